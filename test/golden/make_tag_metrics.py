"""Writes tag-metrics.json beside this file: what seqeval counts as entities in random tags. Needs seqeval, scikit-learn."""
import json, pathlib
import numpy as np
from seqeval.metrics import classification_report

here = pathlib.Path(__file__).parent


def case(prefixes, types, lengths, seed):
    random = np.random.default_rng(seed)
    tags = ["O"] + [f"{p}-{t}" for t in types for p in prefixes]
    draw = lambda n: random.choice(tags, n).tolist()
    truth = [draw(n) for n in lengths]
    predicted = [[p if random.random() < 0.3 else t for t, p in zip(row, draw(len(row)))] for row in truth]
    report = classification_report(truth, predicted, output_dict=True, zero_division=0)
    number = lambda entry: {k.replace("-score", ""): float(v) for k, v in entry.items()}
    micro, macro, weighted = (report.pop(f"{k} avg") for k in ("micro", "macro", "weighted"))
    return {
        "truth": truth, "predicted": predicted,
        "precision": float(micro["precision"]), "recall": float(micro["recall"]), "f1": float(micro["f1-score"]),
        "macro_f1": float(macro["f1-score"]), "weighted_f1": float(weighted["f1-score"]),
        "per_class": [{"label": label, **number(entry)} for label, entry in sorted(report.items())],
    }


cases = [case("BI", ["LOC", "PER"], [7, 1, 12, 20], 0), case("I", ["A", "B-C"], [9, 9], 1), case("BIES", ["X", "Y", "Z"], [30, 30, 5], 2)]
(here / "tag-metrics.json").write_text(json.dumps(cases, indent=1) + "\n")
