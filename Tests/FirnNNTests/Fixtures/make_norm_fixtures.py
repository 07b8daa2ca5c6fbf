"""Makes norms.json: normalisation layers as PyTorch computes them, in float64.

    pip install numpy torch
    python make_norm_fixtures.py

Inputs are stored channels last, as Firn has them; weights are rounded to three decimals so that the file stays small.
"""

import json
from pathlib import Path

import numpy as np
import torch

SHAPE = [3, 2, 5, 4]
GENERATOR = np.random.default_rng(11)


def drawn(shape, low=-0.9, high=0.9):
    return np.round(GENERATOR.uniform(low, high, shape), 3)


def packed(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.reshape(-1).tolist()}


def first(x):
    """Channels last to channels first."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def case(name, layer, run, calls=1, shape=SHAPE):
    weights = {"gamma": drawn(shape[-1:], 0.5, 1.5), "beta": drawn(shape[-1:])}
    with torch.no_grad():
        if layer.weight is None:
            weights = {}
        else:
            layer.weight.copy_(torch.tensor(weights["gamma"]))
            layer.bias.copy_(torch.tensor(weights["beta"]))
        if hasattr(layer, "running_mean"):
            weights["moving_mean"] = drawn(shape[-1:])
            weights["moving_variance"] = drawn(shape[-1:], 0.5, 1.5)
            layer.running_mean.copy_(torch.tensor(weights["moving_mean"]))
            layer.running_var.copy_(torch.tensor(weights["moving_variance"]))
    inputs, seeds, results, leaves = {}, {}, {}, {}
    loss = 0
    for call in range(calls):
        x = torch.tensor(drawn(shape) + call, requires_grad=True)
        seed = torch.tensor(drawn(shape))
        y = run(layer, x)
        loss = loss + (y * seed).sum()
        inputs[f"x{call}"], seeds[f"y{call}"] = packed(x.detach()), packed(seed)
        results[f"y{call}"], leaves[f"x{call}"] = packed(y.detach()), x
    loss.backward()
    gradients = {name: packed(leaf.grad) for name, leaf in leaves.items()}
    if layer.weight is not None:
        gradients |= {"gamma": packed(layer.weight.grad), "beta": packed(layer.bias.grad)}
    if hasattr(layer, "running_mean"):
        results["moving_mean"] = packed(layer.running_mean)
        results["moving_variance"] = packed(layer.running_var)
    return {
        "name": name,
        "weights": {key: packed(value) for key, value in weights.items()},
        "inputs": inputs,
        "seeds": seeds,
        "results": results,
        "gradients": gradients,
    }


def channels(layer, x):
    return last(layer(first(x)))


torch.set_default_dtype(torch.float64)
NORM = torch.nn.BatchNorm2d
CASES = [
    case("batch", NORM(4), channels),
    case("batch-plain", NORM(4, affine=False), channels),
    case("batch-momentum", NORM(4, momentum=0.7, eps=1e-2), channels),
    case("batch-twice", NORM(4), channels, calls=2),
    case("batch-inference", NORM(4).eval(), channels),
    case("batch-flat", torch.nn.BatchNorm1d(4), lambda layer, x: layer(x), shape=[5, 4]),
    case("layer", torch.nn.LayerNorm(4), lambda layer, x: layer(x)),
    case("group", torch.nn.GroupNorm(2, 4), channels),
    case("group-instance", torch.nn.GroupNorm(4, 4), channels),
]
TEXT = ",\n".join(json.dumps(each, separators=(",", ":")) for each in CASES)
(Path(__file__).parent / "norms.json").write_text("[\n" + TEXT + "\n]\n")
