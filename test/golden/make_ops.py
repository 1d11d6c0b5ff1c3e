"""Writes ops.json: values and gradients of operations as PyTorch computes them, in float64.

pip install torch==2.13.0 && python test/golden/make_ops.py

The names of the cases are those of test/rig/operation-cases.ts. The gradients are those of the sum
of y[i] * (cos(i) + 0.3).
"""
import json
import math
import pathlib
import torch
import torch.nn.functional as F

torch.manual_seed(7)


def floats(*shape, low=-2.0, high=2.0):
    # Rounded as in the file, so that the values belong to the inputs that are written.
    drawn = (low + (high - low) * torch.rand(*shape)).double()
    return drawn.mul(1e6).round().div(1e6).requires_grad_()


def attend(q, k, v, dropped, shown):
    scores = q @ k.transpose(-1, -2) * 0.5 + (1.0 - shown.double()) * -1e9
    return (torch.softmax(scores, -1) * dropped.double() / 0.75) @ v


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    turned = torch.cat([-second, first], -1)
    return x * torch.cat([cos, cos], -1) + turned * torch.cat([sin, sin], -1)


def ties():
    return torch.tensor([[1.0, 3.0, 3.0, 0.0, 2.0], [5.0, 5.0, 5.0, 1.0, 0.0], [0.0, 1.0, 2.0, 3.0, 4.0]]).double().requires_grad_()


def zeros_and_ones():
    return torch.tensor([[0.0, -1.0, 1.0, 2.0], [0.0, 0.0, -2.0, 3.0], [1.5, -0.5, 0.0, 4.0]]).double().requires_grad_()


mask = lambda *shape: (torch.arange(math.prod(shape)) % 3 > 0).reshape(shape)
shown = torch.tensor([1, 1, 1, 0, 0, 1, 1, 1, 1, 0]).reshape(2, 1, 1, 5)
ids = torch.tensor([[4, 0], [4, 2]])

CASES = {
    "add, both broadcast": (dict(a=floats(2, 1, 3), b=floats(4, 1)), lambda a, b: a + b),
    "div, rows broadcast": (dict(a=floats(2, 3, low=0.5), b=floats(3, low=0.5)), lambda a, b: a / b),
    "erf": (dict(a=floats(3, 4, low=-4, high=4)), torch.erf),
    "relu": (dict(a=zeros_and_ones()), torch.relu),
    "sigmoid": (dict(a=floats(2, 3)), torch.sigmoid),
    "reduceMax": (dict(a=ties()), lambda a: torch.amax(a, 1, keepdim=True)),
    "matMul, batches broadcast": (dict(a=floats(2, 1, 2, 3), b=floats(5, 3, 4)), torch.matmul),
    "linear": (dict(a=floats(2, 3, 4), b=floats(5, 4), c=floats(5)), F.linear),
    "softmax": (dict(a=floats(2, 3, 4)), lambda a: torch.softmax(a, -1)),
    "logSoftmax": (dict(a=floats(2, 5)), lambda a: torch.log_softmax(a, -1)),
    "gelu, erf": (dict(a=floats(4, 5, low=-5, high=5)), F.gelu),
    "gelu, tanh": (dict(a=floats(4, 5, low=-5, high=5)), lambda a: F.gelu(a, approximate="tanh")),
    "layerNorm": (
        dict(a=floats(2, 3, 8), b=floats(8), c=floats(8)),
        lambda a, b, c: F.layer_norm(a, (8,), b, c, 1e-5),
    ),
    "dropout": (dict(x=floats(3, 4), mask=mask(3, 4)), lambda x, mask: x * mask / 0.75),
    "attention with mask and dropout": (
        dict(q=floats(2, 2, 3, 4), k=floats(2, 2, 5, 4), v=floats(2, 2, 5, 4), dropped=mask(2, 2, 3, 5), shown=shown),
        attend,
    ),
    "attention, plain": (
        dict(a=floats(1, 2, 3, 4), b=floats(1, 2, 3, 4), c=floats(1, 2, 3, 4)),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
    ),
    "gather, an id twice": (dict(table=floats(5, 3), ids=ids), lambda table, ids: F.embedding(ids, table)),
    "softmaxCrossEntropy with an ignored label": (
        dict(logits=floats(3, 4), labels=torch.tensor([3, -100, 1])),
        lambda logits, labels: F.cross_entropy(logits, labels),
    ),
    "rmsNorm": (dict(a=floats(2, 3, 8), b=floats(8)), lambda a, b: F.rms_norm(a, (8,), b, 1e-6)),
    "silu": (dict(a=floats(3, 4, low=-5, high=5)), F.silu),
    "rotate": (dict(a=floats(2, 3, 4, 6), b=floats(4, 3), c=floats(4, 3)), rotate),
    "attention with a learned bias for all rows": (
        dict(a=floats(2, 2, 3, 4), b=floats(2, 2, 5, 4), c=floats(2, 2, 5, 4), d=floats(1, 2, 3, 5)),
        lambda q, k, v, bias: F.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(2, 2, 3, 5), scale=1.0),
    ),
}


def record(name, inputs, compute):
    y = compute(**inputs) if name not in POSITIONAL else compute(*inputs.values())
    weights = torch.cos(torch.arange(y.numel()).double()) + 0.3
    (y.reshape(-1) * weights).sum().backward()
    flat = lambda tensor: [float(f"{x:.9g}") for x in tensor.detach().reshape(-1).tolist()]
    return {
        "name": name,
        "inputs": {key: flat(value) for key, value in inputs.items()},
        "y": flat(y),
        "gradients": {key: flat(value.grad) for key, value in inputs.items() if value.requires_grad},
    }


POSITIONAL = {name for name, (inputs, _) in CASES.items() if "a" in inputs}
recorded = [record(name, *case) for name, case in CASES.items()]
path = pathlib.Path(__file__).parent / "ops.json"
lines = ",\n".join(json.dumps(one) for one in recorded)
path.write_text(f'{{"torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n')
