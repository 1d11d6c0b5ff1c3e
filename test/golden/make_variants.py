"""Writes variants/: small checkpoints of families and options that the other cases leave out, and what
PyTorch computes from them: outputs, gradients, and ten steps of AdamW, all in float64.

pip install torch==2.13.0 transformers==5.23.0 && python test/golden/make_variants.py

Files and fields are those of the other cases; float32_error is how far PyTorch's own float32 run is off.
"""
import json
import pathlib
import shutil
import torch
import transformers as hf
from safetensors.torch import save_file

STEPS, WARMUP, RATE = 10, 2, 1e-3
VOCAB, WIDTH = 24, 16
ROWS, LENGTH, TARGET = 3, 7, 5
HEADS = {
    "classify": hf.AutoModelForSequenceClassification,
    "tag": hf.AutoModelForTokenClassification,
    "answer": hf.AutoModelForQuestionAnswering,
    "mask": hf.AutoModelForMaskedLM,
    "generate": hf.AutoModelForCausalLM,
    "translate": hf.AutoModelForSeq2SeqLM,
}
bert = dict(hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2, intermediate_size=20,
            max_position_embeddings=12, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, vocab_size=VOCAB)
distil = dict(dim=WIDTH, n_layers=1, n_heads=2, hidden_dim=20, max_position_embeddings=12, dropout=0.0,
              attention_dropout=0.0, seq_classif_dropout=0.0, qa_dropout=0.0, vocab_size=VOCAB)
llama = dict(hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=20,
             max_position_embeddings=12, vocab_size=VOCAB, pad_token_id=0, bos_token_id=1, eos_token_id=1)
t5 = dict(d_model=WIDTH, d_kv=6, d_ff=20, num_layers=1, num_decoder_layers=2, num_heads=2, vocab_size=VOCAB,
          relative_attention_num_buckets=8, relative_attention_max_distance=6, dropout_rate=0.0,
          pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
scaled = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8)
VARIANTS = {
    "bert-relu-tag": hf.BertConfig(hidden_act="relu", num_labels=3, **bert),
    "distilbert-tag": hf.DistilBertConfig(num_labels=3, **distil),
    "distilbert-answer": hf.DistilBertConfig(**distil),
    "distilbert-mask": hf.DistilBertConfig(**distil),
    "roberta-tag": hf.RobertaConfig(num_labels=3, type_vocab_size=1, pad_token_id=1, **bert),
    "xlm-roberta-answer": hf.XLMRobertaConfig(type_vocab_size=1, pad_token_id=1, **bert),
    "gpt2-untied-generate": hf.GPT2Config(n_embd=WIDTH, n_layer=1, n_head=2, n_positions=12, n_inner=20, vocab_size=VOCAB,
        bos_token_id=0, eos_token_id=0, pad_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        tie_word_embeddings=False),
    "llama-untied-generate": hf.LlamaConfig(attention_bias=True, mlp_bias=True, tie_word_embeddings=False, **llama),
    "llama-scaled-generate": hf.LlamaConfig(rope_parameters=scaled, tie_word_embeddings=True, **llama),
    "llama-linear-classify": hf.LlamaConfig(rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=2.0),
        num_labels=3, **llama),
    "mistral-generate": hf.MistralConfig(sliding_window=None, **llama),
    "qwen2-generate": hf.Qwen2Config(tie_word_embeddings=True, **llama),
    "qwen2-classify": hf.Qwen2Config(num_labels=3, **llama),
    "qwen3-generate": hf.Qwen3Config(head_dim=6, tie_word_embeddings=True, **llama),
    "t5-gated-translate": hf.T5Config(feed_forward_proj="gated-gelu", tie_word_embeddings=True, **t5),
}


def encoding(config):
    """Random ids without those of special tokens; each row one token shorter than the one before."""
    padding = config.pad_token_id or 0
    ids = torch.randint(2, VOCAB, (ROWS, LENGTH))
    mask = torch.tensor([[int(at < LENGTH - row) for at in range(LENGTH)] for row in range(ROWS)])
    kinds = {"token_type_ids": (torch.arange(LENGTH) > 3).long().repeat(ROWS, 1)} if config.model_type == "bert" else {}
    return {"input_ids": torch.where(mask == 1, ids, padding), "attention_mask": mask, **kinds}


def labels(task, inputs):
    mask, ignored = inputs["attention_mask"], torch.full((ROWS, LENGTH), -100)
    if task == "classify":
        return {"labels": torch.tensor([2, 0, 1])}
    if task == "answer":
        return {"start_positions": torch.tensor([1, 0, 2]), "end_positions": torch.tensor([3, 4, 2])}
    if task == "tag":
        return {"labels": torch.where(mask == 1, torch.randint(0, 3, (ROWS, LENGTH)), ignored)}
    if task == "translate":
        return {"labels": torch.randint(1, VOCAB, (ROWS, TARGET))}
    kept = mask if task == "generate" else mask * (torch.rand(ROWS, LENGTH) < 0.5)
    return {"labels": torch.where(kept == 1, inputs["input_ids"], ignored)}


def decays(name):
    is_norm = any(part in name.lower() for part in ("layernorm", "layer_norm", ".ln_", "_norm.weight")) or name.endswith("norm.weight")
    return not (name.endswith("bias") or is_norm)


def compute(task, folder, given, dtype):
    model = HEADS[task].from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
    output = model(**given)
    output.loss.backward()
    names = ["start_logits", "end_logits"] if task == "answer" else ["logits"]
    tensors = {name: output[name].detach().clone() for name in names}
    for name, parameter in model.named_parameters():
        tensors[f"grad.{name}"] = parameter.grad.clone()
    groups = [{"params": [p for n, p in model.named_parameters() if decays(n) == keep], "weight_decay": 0.01 * keep}
              for keep in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    rate = lambda step: step / WARMUP if step < WARMUP else (STEPS - step) / (STEPS - WARMUP)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    course = {"losses": [], "grad_norms": [], "learning_rates": []}
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(**given).loss
        loss.backward()
        course["grad_norms"].append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        course["learning_rates"].append(schedule.get_last_lr()[0])
        course["losses"].append(loss.item())
        optimizer.step()
        schedule.step()
    for name, parameter in model.named_parameters():
        tensors[f"after.{name}"] = parameter.detach().clone()
    return tensors, course


def write(name, config, out):
    torch.manual_seed(sum(map(ord, name)))
    task = name.rsplit("-", 1)[1]
    model = HEADS[task].from_config(config)
    with torch.no_grad():  # away from the small weights and zero biases of the start, where errors hide
        for parameter in model.parameters():
            parameter.mul_(6.0 if parameter.dim() > 1 and config.model_type != "t5" else 1.0)
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    shutil.rmtree(out / name, ignore_errors=True)
    folder = out / name / "model"
    model.save_pretrained(folder)
    inputs = encoding(config)
    targets = labels(task, inputs)
    exact, course = compute(task, folder, {**inputs, **targets}, torch.float64)
    single, _ = compute(task, folder, {**inputs, **targets}, torch.float32)
    start = {n: p.detach().double() for n, p in HEADS[task].from_pretrained(folder).named_parameters()}
    error = {}
    for key, value in exact.items():
        base = value - start[key[6:]] if key.startswith("after.") else value
        error[key] = float(f"{float((single[key].double() - value).norm() / base.norm().clamp_min(1e-30)):.2g}")
    save_file({k: v.float().contiguous() for k, v in exact.items()}, out / name / "golden.safetensors", {"format": "pt"})
    case = {"task": task, "encoding": {k: v.tolist() for k, v in inputs.items()},
            "labels": {k: v.tolist() for k, v in targets.items()}, "loss": course["losses"][0], **course,
            "no_decay": [n for n in start if not decays(n)], "float32_error": error}
    (out / name / "case.json").write_text(json.dumps(case) + "\n")


folder = pathlib.Path(__file__).parent / "variants"
for name, config in VARIANTS.items():
    write(name, config, folder)
