"""Load saved models with Python transformers and compute the outputs of their cases; prints one JSON object.

Usage: python load_saved.py FOLDER...     each with model/ (what is tested) and the case's case.json and golden.safetensors

Output, by the name of each folder: the class, what loading complained of, and how far its logits are from the golden
ones, as ||difference|| / ||golden||.
"""
import json, pathlib, sys
import torch, transformers as hf
from safetensors.torch import load_file

HEADS = {
    "classify": hf.AutoModelForSequenceClassification,
    "tag": hf.AutoModelForTokenClassification,
    "answer": hf.AutoModelForQuestionAnswering,
    "mask": hf.AutoModelForMaskedLM,
    "generate": hf.AutoModelForCausalLM,
    "translate": hf.AutoModelForSeq2SeqLM,
}
torch.set_num_threads(1)
found = {}
for folder in map(pathlib.Path, sys.argv[1:]):
    case = json.loads((folder / "case.json").read_text())
    model, loading = HEADS[case["task"]].from_pretrained(folder / "model", output_loading_info=True)
    inputs = {name: torch.tensor(rows) for name, rows in {**case["encoding"], **case["labels"]}.items()}
    with torch.no_grad():
        output = model.eval()(**inputs)
    name = "start_logits" if case["task"] == "answer" else "logits"
    golden = load_file(folder / "golden.safetensors")[name]
    found[folder.name] = {
        "class": type(model).__name__,
        "loading": {kind: sorted(map(str, keys)) for kind, keys in loading.items() if keys},
        "error": float((output[name] - golden).norm() / golden.norm()),
    }
print(json.dumps(found))
