"""Checks the files that test/rig/narrow-models.ts writes into a folder: ONNX's own checker and strict inference of
shapes and types accept each, its reference evaluator computes what our rounding device does, and ONNX Runtime's CPU
provider loads it, but for products in bfloat16, for which it has no kernel.

node --import tsx test/rig/narrow-models.ts FOLDER
pip install onnx==1.23.2 onnxruntime==1.30.0 && python test/golden/check_narrow_models.py FOLDER
"""
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

TOLERANCE = 1e-4  # a sum in another order is now and then rounded to the neighbour
TYPES = {"float32": np.float32, "int32": np.int32, "int64": np.int64, "uint8": np.uint8, "bool": np.bool_}
onnxruntime.set_default_logger_severity(4)


def array(tensor):
    return np.array(tensor["data"], dtype=TYPES[tensor["dtype"]]).reshape(tensor["shape"])


def what_loads(path):
    try:
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        return "loads"
    except Exception as error:
        return str(error).split("with name")[0].strip()


worst, loaded, count = 0.0, {}, 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    tensors = json.loads(path.with_suffix(".json").read_text())
    inputs = {name: array(tensor) for name, tensor in tensors["inputs"].items()}
    made = dict(zip(tensors["outputs"], ReferenceEvaluator(model).run(list(tensors["outputs"]), inputs)))
    sizes = {name: np.linalg.norm(array(tensor)) for name, tensor in tensors["outputs"].items()}
    whole = max(sizes.values())
    for name, tensor in tensors["outputs"].items():
        error = np.linalg.norm(made[name].astype(np.float64) - array(tensor)) / (sizes[name] + 1e-2 * whole)
        assert error < TOLERANCE, f"{path.stem}: {name}: {error}"
        worst = max(worst, error)
    kind = (path.stem.split(" in ")[-1], what_loads(path))
    loaded[kind] = loaded.get(kind, 0) + 1
    count += 1
print(f"{count} models, the worst relative error {worst:.1e}")
for (kind, outcome), number in loaded.items():
    print(f"{kind}: {outcome}: {number}")
