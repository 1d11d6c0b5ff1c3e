"""Writes problem-types.json beside this file: ten training steps of bert-classify/model in PyTorch as a classifier of several
labels and as a regression, in float64, as Trainer does them (see make_variants.py): losses, gradient norms, and the logits after
them.

Usage: python make_problem_types.py        Needs: torch, transformers.
"""
import json, pathlib
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

here = pathlib.Path(__file__).parent
STEPS, WARMUP, LR, DECAY = 10, 2, 1e-3, 0.01
TEXTS = json.loads((here / "bert-classify" / "case.json").read_text())["texts"]
SETS = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 1]]
NUMBERS = [[0.5, -1, 2], [1.5, 0, 0.25], [-2, 1, 0], [0, 0.75, -0.5], [1, 1, 1], [3, -0.125, 0]]


def train(model, batch):
    plain = lambda name: name.endswith("bias") or "LayerNorm" in name
    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW([{"params": [p for n, p in named if not plain(n)], "weight_decay": DECAY},
                                   {"params": [p for n, p in named if plain(n)], "weight_decay": 0.0}], lr=LR)
    rate = lambda step: step / WARMUP if step < WARMUP else (STEPS - step) / (STEPS - WARMUP)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    losses, norms = [], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        losses.append(loss.item())
        optimizer.step()
        schedule.step()
    with torch.no_grad(): return {"losses": losses, "grad_norms": norms, "after": model(**batch)}


def of_texts(problem_type, labels):
    folder = here / "bert-classify" / "model"
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64, problem_type=problem_type).eval()
    batch = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    found = train(model, {**batch, "labels": torch.tensor(labels, dtype=torch.float64)})
    return {**found, "after": found["after"].logits.tolist(), "labels": labels}


golden = {
    "texts": TEXTS,
    "multi_label_classification": of_texts("multi_label_classification", SETS),
    "regression": of_texts("regression", NUMBERS),
}
(here / "problem-types.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
