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


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of https://arxiv.org/abs/2302.06675."""
    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (b1, b2), lr = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = (m * b1 + p.grad * (1 - b1)).sign()
                p.sub_(lr * (update + group["weight_decay"] * p))
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


def optimizer(optim, arguments, make, seed, shape=(3, 4)):
    torch.manual_seed(seed)
    start = torch.randn(*shape), torch.randn(4)
    w, b = (torch.nn.Parameter(x.double()) for x in start)
    decay = arguments.get("weight_decay", 0.0)
    stepper = make([{"params": [w], "weight_decay": decay}, {"params": [b], "weight_decay": 0.0}])
    gradients = []
    for _ in range(6):
        g = torch.randn(*shape), torch.randn(4)
        gradients.append({"w": g[0].flatten().tolist(), "b": g[1].tolist()})
        w.grad, b.grad = (x.double() for x in g)
        stepper.step()
    return {"optim": optim, "arguments": arguments, "shape": shape, "gradients": gradients,
            "start": {"w": start[0].flatten().tolist(), "b": start[1].tolist()},
            "after": {"w": w.detach().flatten().tolist(), "b": b.tolist()}}


def optimizers():
    from transformers.optimization import Adafactor
    sgd, lr = torch.optim.SGD, 1e-2
    return [
        optimizer("sgd", {}, lambda p: sgd(p, lr=lr), 1),
        optimizer("sgd", {"weight_decay": 0.1, "optim_args": {"momentum": 0.9}}, lambda p: sgd(p, lr=lr, momentum=0.9), 2),
        optimizer("sgd", {"optim_args": {"momentum": 0.8, "nesterov": True}},
                  lambda p: sgd(p, lr=lr, momentum=0.8, nesterov=True), 3),
        optimizer("lion_32bit", {"weight_decay": 0.1, "adam_beta2": 0.99}, lambda p: Lion(p, lr, (0.9, 0.99), 0.0), 4),
        optimizer("adafactor", {"weight_decay": 0.1},
                  lambda p: Adafactor(p, lr=lr, scale_parameter=False, relative_step=False), 5),
    ]


def layer_rates():
    """AdamW with a group for each parameter, whose rate is that of layer-wise decay 0.5 with two layers."""
    torch.manual_seed(6)
    rates = {"bert.embeddings.LayerNorm.bias": 0.125, "bert.encoder.layer.0.output.dense.bias": 0.25,
             "bert.encoder.layer.1.output.dense.bias": 0.5, "classifier.bias": 1.0}
    start = {name: torch.randn(3) for name in rates}
    params = {name: torch.nn.Parameter(x.double()) for name, x in start.items()}
    stepper = torch.optim.AdamW([{"params": [p], "lr": 1e-2 * rates[name]} for name, p in params.items()], weight_decay=0.0)
    gradients = []
    for _ in range(4):
        g = {name: torch.randn(3) for name in rates}
        gradients.append({name: x.tolist() for name, x in g.items()})
        for name, p in params.items(): p.grad = g[name].double()
        stepper.step()
    return {"start": {n: x.tolist() for n, x in start.items()}, "gradients": gradients,
            "after": {n: p.tolist() for n, p in params.items()}}


def average(decay):
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    torch.manual_seed(7)
    model = torch.nn.Linear(3, 2).double()
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    steps = []
    for _ in range(5):
        with torch.no_grad(): model.weight.copy_(torch.randn(2, 3))
        averaged.update_parameters(model)
        steps.append({"weight": model.weight.flatten().tolist(), "average": averaged.module.weight.flatten().tolist()})
    return {"decay": decay, "steps": steps}


write("averages.json", [average(0.9), average(0.5)])
write("optimizers.json", optimizers())
write("layer-rates.json", layer_rates())
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
