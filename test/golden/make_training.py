"""Writes metrics.json, schedules.json and adamw.json beside this file: what scikit-learn, transformers
and PyTorch compute. Needs torch, transformers and scikit-learn.
"""
import json, pathlib
import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, precision_recall_fscore_support
from transformers import get_scheduler

here = pathlib.Path(__file__).parent


def write(name, value):
    (here / name).write_text(json.dumps(value, indent=1) + "\n")


def metrics(rows, classes, seed, only=None):
    random = np.random.default_rng(seed)
    logits = (3 * random.standard_normal((rows, classes))).astype(np.float32)
    truth = random.integers(0, only or classes, rows)
    if only: logits[:, only:] -= 100  # a label that is neither seen nor predicted
    predicted = logits.argmax(1)
    exact = logits.astype(np.float64)
    probabilities = np.exp(exact - exact.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    labels = list(range(classes))
    each = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
    return {
        "logits": logits.astype(float).tolist(), "truth": truth.tolist(),
        "loss": log_loss(truth, probabilities, labels=labels),
        "accuracy": accuracy_score(truth, predicted),
        "macro_f1": f1_score(truth, predicted, average="macro", zero_division=0),
        "weighted_f1": f1_score(truth, predicted, average="weighted", zero_division=0),
        "per_class": [dict(zip(("precision", "recall", "f1", "support"), (float(x[i]) for x in each))) for i in labels],
        "confusion_matrix": confusion_matrix(truth, predicted, labels=labels).tolist(),
    }


def schedule(kind, warmup, total, **kwargs):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=2e-3)
    scheduler = get_scheduler(kind, optimizer, num_warmup_steps=warmup, num_training_steps=total,
                              scheduler_specific_kwargs=kwargs)
    rates = []
    for _ in range(total):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step(); scheduler.step()
    return {"type": kind, "warmup": warmup, "total": total, "kwargs": kwargs, "rates": rates}


def adamw(decay, seed):
    torch.manual_seed(seed)
    p = torch.randn(12, dtype=torch.float32)
    start = p.tolist()
    p = torch.nn.Parameter(p.double())
    optimizer = torch.optim.AdamW([p], lr=1e-2, betas=(0.9, 0.99), eps=1e-6, weight_decay=decay)
    gradients = []
    for step in range(6):
        g = torch.randn(12, dtype=torch.float32) * 10.0 ** -step
        gradients.append(g.tolist())
        p.grad = g.double()
        torch.nn.utils.clip_grad_norm_([p], 1.0)
        optimizer.step()
    return {"weight_decay": decay, "start": start, "gradients": gradients, "after": p.tolist()}


def losses(seed, smoothing, weights):
    """As Trainer computes it: LabelSmoother, or a weighted mean. The gradient is that of the loss."""
    torch.manual_seed(seed)
    logits = (3 * torch.randn(6, 4)).double().requires_grad_()
    labels = torch.tensor([0, 3, 1, 1, 2, 3])
    if weights is None and smoothing:
        from transformers.trainer_pt_utils import LabelSmoother
        loss = LabelSmoother(epsilon=smoothing)({"logits": logits}, labels[:, None].squeeze(-1))
    else:
        w = None if weights is None else torch.tensor(weights).double()
        loss = torch.nn.functional.cross_entropy(logits, labels, weight=w)
    loss.backward()
    return {"smoothing": smoothing, "weights": weights, "logits": logits.tolist(), "labels": labels.tolist(),
            "loss": loss.item(), "gradient": logits.grad.tolist()}


write("losses.json", [losses(0, 0.0, None), losses(1, 0.1, None), losses(2, 0.0, [0.5, 2.0, 1.0, 3.0])])
write("metrics.json", [metrics(60, 3, 0), metrics(7, 4, 1), metrics(20, 4, 2, only=3)])
write("schedules.json", [schedule(k, w, t) for k in ("linear", "cosine", "constant", "constant_with_warmup") for w, t in ((0, 5), (3, 10))] + [
    schedule("cosine", 2, 9, num_cycles=1.5),
    schedule("cosine_with_restarts", 2, 12, num_cycles=3), schedule("cosine_with_restarts", 0, 5),
    schedule("polynomial", 2, 9), schedule("polynomial", 0, 9, lr_end=1e-4, power=2.5),
    schedule("inverse_sqrt", 3, 12), schedule("inverse_sqrt", 0, 5), schedule("inverse_sqrt", 2, 9, timescale=7),
    schedule("cosine_with_min_lr", 2, 9, min_lr=3e-4), schedule("cosine_with_min_lr", 0, 9, min_lr_rate=0.1),
    schedule("cosine_warmup_with_min_lr", 3, 9, min_lr_rate=0.1),
    schedule("cosine_warmup_with_min_lr", 3, 9, min_lr=3e-4, warmup_lr_rate=0.2),
    schedule("warmup_stable_decay", 3, 15, num_decay_steps=5),
    schedule("warmup_stable_decay", 3, 15, num_decay_steps=5, min_lr_ratio=0.1, warmup_type="cosine", decay_type="1-sqrt"),
    schedule("warmup_stable_decay", 4, 15, num_decay_steps=3, num_stable_steps=5, warmup_type="1-sqrt", decay_type="linear"),
])
write("adamw.json", [adamw(0.0, 0), adamw(0.1, 1)])
