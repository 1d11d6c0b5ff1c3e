"""Writes answers.json beside this file: exact match and F1 of answers, for SQuAD 1.1 as torchmetrics counts them and for 2.0 as
transformers 4's squad_evaluate does; the best answers of random logits, by trying every pair of the best starts and ends, written
out plainly here; and questions with contexts as Rust's tokenizers cut them into rows.

Usage: python make_answers.py        Needs: numpy, tokenizers, torchmetrics, transformers 4.57 (later ones lack squad_evaluate).
"""
import json
import pathlib
from types import SimpleNamespace

import numpy as np
from tokenizers import Tokenizer
from torchmetrics.functional.text import squad
from transformers.data.metrics.squad_metrics import normalize_answer, squad_evaluate

here = pathlib.Path(__file__).parent
PAIRS = [  # answers, prediction
    (["Ada Lovelace"], "ada lovelace."), (["the first program", "first program"], "a first program"), (["1815"], "in 1815"),
    (["Charles Babbage"], "Lovelace"), (["notes on notes on notes"], "notes, notes"), (["It's the-end"], "its theend"),
    (["the a an"], "The"), (["Zürich á la carte"], "zürich a la carte"), (["aé anéx thé"], "a é an éx"), (["x"], ""),
    (["東京 タワー"], "東京"), (["A B\tC\u00a0D"], "a b c d"),
]
NONE = [([], ""), ([], "something"), (["the"], ""), (["real"], "")]


def metrics():
    first = [(a, p) for a, p in PAIRS if all(map(normalize_answer, a))]  # of answers without words torchmetrics thinks as 2.0 does
    rows = [{"id": str(i), "answers": {"text": a, "answer_start": [0] * len(a)}} for i, (a, _) in enumerate(first)]
    one = squad([{"id": str(i), "prediction_text": p} for i, (_, p) in enumerate(first)], [{**row, "context": "", "question": "", "title": ""} for row in rows])
    both = PAIRS + NONE
    examples = [SimpleNamespace(qas_id=str(i), answers=[{"text": t} for t in a]) for i, (a, _) in enumerate(both)]
    two = squad_evaluate(examples, {str(i): p for i, (_, p) in enumerate(both)})
    texts = sorted({t for a, p in both for t in [*a, p]})
    return {
        "normalized": [[t, normalize_answer(t)] for t in texts],
        "version_1": {"pairs": first, "exact_match": float(one["exact_match"]), "f1": float(one["f1"])},
        "version_2": {"pairs": both, "exact_match": two["exact"], "f1": two["f1"],
                      **{name: two[name] for name in ["HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"]}},
    }


def best(rows, n_best, longest, may_be_none, threshold):
    """Rows: (start logits, end logits, places in the context or None) of one question."""
    tried, null = [], min(start[0] + end[0] for start, end, _ in rows)
    for start, end, places in rows:
        for i in np.argsort(-start)[:n_best]:
            for j in np.argsort(-end)[:n_best]:
                if places[i] and places[j] and i <= j < i + longest:
                    tried.append((start[i] + end[j], [places[i][0], places[j][1]]))
    if may_be_none: tried.append((null, None))
    kept = sorted(tried, key=lambda one: -one[0])[:n_best]
    if may_be_none and not any(place is None for _, place in kept): kept.append((null, None))
    shares = np.exp(np.array([score for score, _ in kept]) - kept[0][0])
    shares = (shares / shares.sum()).tolist()
    chosen = next(i for i, (_, place) in enumerate(kept) if place)
    if may_be_none:
        difference = float(null - kept[chosen][0])
        if difference > threshold: chosen = next(i for i, (_, place) in enumerate(kept) if not place)
        return {"place": kept[chosen][1], "probability": shares[chosen], "null_score_difference": difference}
    return {"place": kept[chosen][1], "probability": shares[chosen]}


def choices(seed, rows, length, options):
    random = np.random.default_rng(seed)
    question = []
    for row in range(rows):
        places = [None] * 4 + [[10 * row + 2 * i, 10 * row + 2 * i + 1] for i in range(length - 5)] + [None]
        start, end = (random.normal(0, 3, length).astype(np.float32).astype(float) for _ in range(2))
        if seed % 2: start[0] += 6
        question.append((start, end, places))
    return {
        "rows": [{"start": s.tolist(), "end": e.tolist(), "places": p} for s, e, p in question], "options": options,
        **best(question, options["n_best_size"], options["max_answer_length"], options["version_2_with_negative"], options["null_score_diff_threshold"]),
    }


def cut(name, question, context, max_length, stride):
    tokenizer = Tokenizer.from_file(str(here / "tokenizers" / name / "tokenizer.json"))
    tokenizer.enable_truncation(max_length, stride=stride, strategy="only_second")
    first = tokenizer.encode(question, context)
    rows = [first, *first.overflowing]
    return {"tokenizer": name, "question": question, "context": context, "max_length": max_length, "doc_stride": stride,
            "rows": [{"ids": r.ids, "types": r.type_ids, "in_context": [int(s == 1) for s in r.sequence_ids]} for r in rows]}


CONTEXT = "Ada Lovelace wrote the first program for the Analytical Engine of Charles Babbage, a desktop server of its time; she was 27."
golden = {
    **metrics(),
    "best": [
        choices(seed, rows, 12, {"n_best_size": n, "max_answer_length": most, "version_2_with_negative": none, "null_score_diff_threshold": threshold})
        for seed, (rows, n, most, none, threshold) in enumerate([(1, 20, 30, False, 0), (3, 4, 2, False, 0), (2, 20, 3, True, 0), (2, 3, 3, True, 0), (3, 20, 30, True, 20), (1, 2, 30, True, -50)])
    ],
    "cut": [cut(name, "Who wrote it?", CONTEXT, most, stride) for name in ["bert-classify", "roberta-classify"] for most, stride in [(128, 16), (40, 8), (24, 0)]],
}
(here / "answers.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
