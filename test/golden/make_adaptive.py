"""Writes adaptive.json beside this file: the learning rates of torch's ReduceLROnPlateau and transformers'
GreedyLR after each of some evaluations. Needs torch and transformers.
"""
import json, pathlib, random
import torch
from transformers import get_scheduler

here = pathlib.Path(__file__).parent


def walk(seed, count, step):
    rng = random.Random(seed)
    values, at = [], 2.0
    for i in range(count):
        at += rng.uniform(-1, 1) * step - step * (0.3 if i < count // 2 else -0.1)
        values.append(at)
    return values


def course(kind, seed, count, peak, **kwargs):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=peak)
    scheduler = get_scheduler(kind, optimizer, scheduler_specific_kwargs=kwargs)
    values, rates = walk(seed, count, 0.05), []
    for value in values:
        scheduler.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    return {"type": kind, "peak": peak, "kwargs": kwargs, "values": values, "rates": rates}


(here / "adaptive.json").write_text(json.dumps([
    course("reduce_lr_on_plateau", 1, 60, 2e-3),
    course("reduce_lr_on_plateau", 2, 60, 2e-3, patience=2, factor=0.5, cooldown=3, min_lr=1e-4),
    course("reduce_lr_on_plateau", 3, 40, 5e-5, patience=0, mode="max", threshold=0.01, threshold_mode="abs"),
    course("reduce_lr_on_plateau", 4, 40, 2e-8, patience=1, eps=1e-9),
    course("greedy", 5, 80, 5e-5, patience=3),
    course("greedy", 6, 120, 2e-2, patience=1, factor=0.8),
    course("greedy", 7, 120, 2e-2, patience=1, factor=0.8, cooldown=2, warmup=1, max_lr=0.03, mode="max"),
    course("greedy", 8, 200, 2e-3, patience=0, factor=0.5, min_lr=1e-3, reset_start=3, smooth=True, window_size=5),
    course("greedy", 9, 200, 2e-3, patience=0, factor=0.7, min_lr=1e-3, reset_start=2, cooldown=2, threshold_mode="rel", threshold=0.01),
], indent=1) + "\n")
