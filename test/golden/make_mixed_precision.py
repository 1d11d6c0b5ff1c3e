"""Writes mixed-precision.json beside this file: how far a step under PyTorch's autocast to float16 (its loss scaled by
65536) and to bfloat16 is from the same step in float64, for cases of some families: their loss and each gradient. And
the losses of 20 steps of AdamW on the case's batch, in float32 and under both.

pip install torch==2.13.0 transformers==5.23.0 safetensors && python test/golden/make_mixed_precision.py
"""
import json
import pathlib

import torch
import transformers as hf
from safetensors.torch import load_file

SCALE = 65536.0
STEPS, RATE = 20, 1e-3
TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
CASES = {
    "bert-classify": hf.AutoModelForSequenceClassification,
    "distilbert-classify": hf.AutoModelForSequenceClassification,
    "roberta-mask": hf.AutoModelForMaskedLM,
    "gpt2-generate": hf.AutoModelForCausalLM,
    "llama-generate": hf.AutoModelForCausalLM,
    "variants/qwen3-generate": hf.AutoModelForCausalLM,
    "t5-translate": hf.AutoModelForSeq2SeqLM,
}
here = pathlib.Path(__file__).parent


def autocast(dtype):
    return torch.autocast("cpu", dtype=dtype, enabled=dtype is not None)


def rounded(number):
    return float(f"{number:.3g}")


def load(name):
    case = json.loads((here / name / "case.json").read_text())
    model = CASES[name].from_pretrained(here / name / "model", dtype=torch.float32, attn_implementation="eager").eval()
    batch = {key: torch.tensor(rows) for key, rows in {**case["encoding"], **case["labels"]}.items()}
    return case, model, batch


def errors(name, dtype):
    case, model, batch = load(name)
    golden = load_file(here / name / "golden.safetensors")
    scale = SCALE if dtype == torch.float16 else 1.0
    with autocast(dtype):
        loss = model(**batch).loss
    (loss.float() * scale).backward()
    found = {}
    for key, parameter in model.named_parameters():
        expected = golden.get(f"grad.{key}")
        if parameter.grad is None or expected is None:
            continue
        difference = (parameter.grad.double() / scale - expected.double()).norm() / expected.double().norm()
        found[key] = rounded(difference.item())
    return {"loss": rounded(abs(loss.item() / case["loss"] - 1)), "gradients": found}


def losses(name, dtype):
    _, model, batch = load(name)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE, enabled=dtype == torch.float16)
    found = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        with autocast(dtype):
            loss = model(**batch).loss
        scaler.scale(loss.float()).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        found.append(float(f"{loss.item():.7g}"))
    return found


def entry(name):
    curves = {"float32": losses(name, None), **{key: losses(name, dtype) for key, dtype in TYPES.items()}}
    return {"losses": curves, **{key: errors(name, dtype) for key, dtype in TYPES.items()}}


result = {"torch": torch.__version__, "steps": STEPS, "learning_rate": RATE, "cases": {name: entry(name) for name in CASES}}
(here / "mixed-precision.json").write_text(json.dumps(result, indent=1) + "\n")
