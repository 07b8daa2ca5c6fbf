"""Makes numbers.json: what PyTorch makes of NaN, of products with zeros, and of large logits, in float64.

    python make_number_fixtures.py

A number that is none is null. Values and gradients, of the sum of the values, for each op at NaN; of two operands
for each that is NaN, then for both. Large logits are checked with Python's decimal numbers of 60 digits.
"""

import json
from decimal import Decimal, getcontext
from pathlib import Path

import torch
import torch.nn.functional as F

getcontext().prec = 60
nan = float("nan")


def plain(value):
    if isinstance(value, list):
        return [plain(v) for v in value]
    return None if value != value else value


def at(function, *operands):
    inputs = [torch.tensor(o, dtype=torch.float64, requires_grad=True) for o in operands]
    value = function(*inputs)
    gradients = torch.autograd.grad(value.sum(), inputs)
    return {"value": plain(value.tolist()), "gradients": plain([g.tolist() for g in gradients])}


unary = {
    "neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "exp": torch.exp, "expm1": torch.expm1,
    "log": torch.log, "log1p": torch.log1p, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "square": torch.square,
    "reciprocal": torch.reciprocal, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "softplus": F.softplus, "relu": torch.relu,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.25), "elu": F.elu, "gelu": F.gelu, "silu": F.silu,
    "hard_swish": F.hardswish, "erf": torch.erf, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "mish": F.mish, "tan": torch.tan, "asin": torch.asin,
    "acos": torch.acos, "atan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh, "asinh": torch.asinh,
    "acosh": torch.acosh, "atanh": torch.atanh,
}
binary = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow, "fmod": torch.fmod,
    "max": torch.maximum, "min": torch.minimum,
    "sigmoid_cross_entropy": lambda x, z: F.binary_cross_entropy_with_logits(x, z, reduction="none"),
}
reductions = {
    "reduce_sum": torch.sum, "reduce_mean": torch.mean, "reduce_max": torch.max, "reduce_min": torch.min,
    "reduce_prod": torch.prod, "cumulative_sum": lambda x: x.cumsum(0), "softmax": lambda x: F.softmax(x, 0),
    "log_softmax": lambda x: F.log_softmax(x, 0),
}


def product(values):
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    first = torch.autograd.grad(x.prod(), x, create_graph=True)[0]
    second = torch.autograd.grad((first * torch.arange(1.0, len(values) + 1)).sum(), x)[0]
    return {"x": values, "first": first.tolist(), "second": second.tolist()}


def losses(logits, labels):
    """Log softmax and the two cross entropies, exactly."""
    x = [Decimal(v) for v in logits]
    top = max(x)
    log = (sum((v - top).exp() for v in x)).ln()
    rows = [v - top - log for v in x]
    return {
        "logits": logits, "labels": labels, "softmax": [float(r.exp()) for r in rows],
        "log_softmax": [float(r) for r in rows], "sparse": [float(-r) for r in rows],
        "cross_entropy": float(-sum(Decimal(l) * r for l, r in zip(labels, rows))),
        "sigmoid": [
            float((1 - Decimal(l)) * v + (1 + (-v).exp()).ln() if v > 0 else -Decimal(l) * v + (1 + v.exp()).ln())
            for v, l in zip(x, labels)
        ],
    }


result = {
    "unary": {name: at(f, [nan]) for name, f in unary.items()},
    "binary": {name: [at(f, [nan], [1.0]), at(f, [1.0], [nan]), at(f, [nan], [nan])] for name, f in binary.items()},
    "reductions": {name: at(f, [1.0, nan, 3.0, nan]) for name, f in reductions.items()},
    "products": [product(v) for v in ([2.0, 3.0, 5.0, -0.5], [2.0, 0.0, 5.0, 3.0], [0.0, 4.0, 0.0, 3.0], [0.0, 0.0, 0.0, 2.0])],
    "losses": [
        losses([1e12, 1e12 + 1, 1e12 - 0.75], [0.25, 0.5, 0.25]),
        losses([-1e12, -1e12 - 2.5, -1e12 + 0.5], [0.125, 0.75, 0.125]),
        losses([1e12, 3.0, -7.0], [1.0, 0.0, 0.0]),
        losses([1.5, -0.25, 0.75], [0.5, 0.25, 0.25]),
    ],
}
Path(__file__).with_name("numbers.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
