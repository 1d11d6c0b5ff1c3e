"""Writes mixed-precision.json beside this file: how far a step under PyTorch's autocast to float16, its loss scaled by
65536, is from the same step in float64, for the cases of some families: their loss and each gradient.

pip install torch==2.13.0 transformers==5.23.0 safetensors && python test/golden/make_mixed_precision.py
"""
import json
import pathlib

import torch
import transformers as hf
from safetensors.torch import load_file

SCALE = 65536.0
CASES = {
    "bert-classify": hf.AutoModelForSequenceClassification,
    "gpt2-generate": hf.AutoModelForCausalLM,
    "llama-generate": hf.AutoModelForCausalLM,
}
here = pathlib.Path(__file__).parent


def errors(name, kind):
    case = json.loads((here / name / "case.json").read_text())
    golden = load_file(here / name / "golden.safetensors")
    model = kind.from_pretrained(here / name / "model", dtype=torch.float32, attn_implementation="eager").eval()
    batch = {key: torch.tensor(rows) for key, rows in {**case["encoding"], **case["labels"]}.items()}
    with torch.autocast("cpu", dtype=torch.float16):
        loss = model(**batch).loss
    (loss.float() * SCALE).backward()
    found = {}
    for key, parameter in model.named_parameters():
        expected = golden.get(f"grad.{key}")
        if parameter.grad is None or expected is None:
            continue
        difference = (parameter.grad.double() / SCALE - expected.double()).norm() / expected.double().norm()
        found[key] = float(f"{difference.item():.3g}")
    return {"loss": float(f"{abs(loss.item() / case['loss'] - 1):.3g}"), "gradients": found}


result = {"torch": torch.__version__, "cases": {name: errors(name, kind) for name, kind in CASES.items()}}
(here / "mixed-precision.json").write_text(json.dumps(result, indent=1) + "\n")
