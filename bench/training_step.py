"""Training steps of BERT in eager PyTorch, for bench/torch-steps.ts.

Reads the settings as one line of JSON, then for each line with a number runs that many steps on
random rows of full length and answers with their seconds as a JSON list.
"""
import json, sys, time
import torch
from transformers import BertConfig, BertForSequenceClassification

s = json.loads(sys.stdin.readline())
torch.set_num_threads(s["threads"])
torch.manual_seed(0)
device = s["device"]
if device == "cuda" and not torch.cuda.is_available():
    sys.exit(0)
model = BertForSequenceClassification(BertConfig(**s["config"], num_labels=s["labels"])).train().to(device)
decay = [p for n, p in model.named_parameters() if "bias" not in n and "LayerNorm" not in n]
rest = [p for n, p in model.named_parameters() if "bias" in n or "LayerNorm" in n]
optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=5e-5)
vocabulary = s["config"]["vocab_size"]
narrow = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(s["precision"])
scaler = torch.amp.GradScaler(device, enabled=s["precision"] == "fp16")


def step():
    ids = torch.randint(5, vocabulary, (s["rows"], s["length"]), device=device)
    labels = torch.randint(0, s["labels"], (s["rows"],), device=device)
    begin = time.perf_counter()
    optimizer.zero_grad()
    with torch.autocast(device, dtype=narrow, enabled=narrow is not None):
        loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    loss.item()
    return time.perf_counter() - begin


print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps([step() for _ in range(int(line))]), flush=True)
