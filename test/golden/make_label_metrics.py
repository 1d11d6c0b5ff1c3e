"""Writes label-metrics.json beside this file: losses and gradients of several labels and of numbers as torch has them, and
their metrics as scikit-learn and scipy define them. Needs torch, scikit-learn, scipy."""
import json, pathlib, warnings
import numpy as np
import torch
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics

here = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")


def loss_of(kind, logits, targets):
    x = torch.tensor(logits, requires_grad=True)
    loss = (torch.nn.BCEWithLogitsLoss() if kind == "labels" else torch.nn.MSELoss())(x, torch.tensor(targets))
    loss.backward()
    return {"logits": x.tolist(), "targets": targets.tolist(), "loss": loss.item(), "gradient": x.grad.tolist()}


def labels(rows, width, seed, share=0.3, threshold=0.5):
    random = np.random.default_rng(seed)
    truth = (random.random((rows, width)) < share).astype(np.float32)
    if width > 3: truth[:, 3] = 0  # a label that no row has
    logits = (random.normal(0, 4, (rows, width)) + 3 * truth).astype(np.float32)
    predicted = (1 / (1 + np.exp(-logits.astype(np.float64))) > threshold).astype(int)
    f1 = lambda average: metrics.f1_score(truth, predicted, average=average, zero_division=0)
    each = metrics.precision_recall_fscore_support(truth, predicted, zero_division=0)
    return {
        **loss_of("labels", logits, truth), "threshold": threshold,
        "subset_accuracy": metrics.accuracy_score(truth, predicted), "micro_f1": f1("micro"), "macro_f1": f1("macro"),
        "weighted_f1": f1("weighted"),
        "micro_precision": metrics.precision_score(truth, predicted, average="micro", zero_division=0),
        "micro_recall": metrics.recall_score(truth, predicted, average="micro", zero_division=0),
        "per_class": [dict(zip(["precision", "recall", "f1", "support"], map(float, row))) for row in zip(*each)],
    }


def numbers(rows, width, seed, round_to=None):
    random = np.random.default_rng(seed)
    truth = random.normal(2, 3, (rows, width)).astype(np.float32)
    if round_to: truth = np.round(truth / round_to).astype(np.float32) * np.float32(round_to)  # ties
    predicted = (0.7 * truth + random.normal(0, 1, (rows, width))).astype(np.float32)
    t, p = truth.astype(np.float64), predicted.astype(np.float64)
    of_each = lambda f: [float(f(t[:, i], p[:, i])) for i in range(width)]
    per = {"mse": of_each(metrics.mean_squared_error), "mae": of_each(metrics.mean_absolute_error), "r2": of_each(metrics.r2_score),
           "pearson": of_each(lambda a, b: pearsonr(b, a)[0]), "spearmanr": of_each(lambda a, b: spearmanr(b, a)[0])}
    return {
        **loss_of("numbers", predicted, truth), "mse": metrics.mean_squared_error(t, p), "mae": metrics.mean_absolute_error(t, p),
        "r2": metrics.r2_score(t, p), "pearson": float(np.mean(per["pearson"])), "spearmanr": float(np.mean(per["spearmanr"])),
        "per_number": [{name: values[i] for name, values in per.items()} for i in range(width)],
    }


golden = {
    "labels": [labels(8, 5, 0), labels(20, 3, 1, 0.6, 0.3), labels(6, 4, 2), labels(5, 2, 3, 0.0)],
    "numbers": [numbers(9, 1, 0), numbers(12, 3, 1), numbers(30, 1, 2, 2.0)],
}
(here / "label-metrics.json").write_text(json.dumps(golden) + "\n")
