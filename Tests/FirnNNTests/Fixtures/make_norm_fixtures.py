"""Makes norms.json: normalisation layers as PyTorch and Keras compute them, in float64.

    pip install numpy torch keras
    python make_norm_fixtures.py

Inputs are stored channels last, as Firn has them; weights are rounded to three decimals so that the file stays small.
"""

import json
import os
from pathlib import Path

import numpy as np
import torch

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402

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
    wide = list(layer.weight.shape) if getattr(layer, "weight", None) is not None else shape[-1:]
    weights = {"gamma": drawn(wide, 0.5, 1.5), "beta": drawn(wide)}
    with torch.no_grad():
        if layer.weight is None:
            weights = {}
        else:
            layer.weight.copy_(torch.tensor(weights["gamma"]))
            if layer.bias is None:
                del weights["beta"]
            else:
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
        gradients |= {"gamma": packed(layer.weight.grad)}
        if layer.bias is not None:
            gradients |= {"beta": packed(layer.bias.grad)}
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


def keras_case(name, layer, training=False, shape=SHAPE):
    """One call of a layer of Keras's, channels last as here."""
    layer.build(shape)
    weights = {}
    for variable in layer.weights:
        low, high = (0.5, 1.5) if variable.name in ["gamma", "moving_variance"] else (-0.9, 0.9)
        weights[variable.name] = drawn(variable.shape, low, high)
        variable.assign(weights[variable.name])
    x = torch.tensor(drawn(shape), requires_grad=True)
    seed = torch.tensor(drawn(shape))
    y = layer(x, training=training)
    (y * seed).sum().backward()
    results = {"y0": packed(y.detach())}
    gradients = {"x0": packed(x.grad)}
    for variable in layer.weights:
        if variable.name.startswith("moving"):
            results[variable.name] = packed(keras.ops.convert_to_numpy(variable))
        else:
            gradients[variable.name] = packed(variable.value.grad)
    return {
        "name": name,
        "weights": {key: packed(value) for key, value in weights.items()},
        "inputs": {"x0": packed(x.detach())},
        "seeds": {"y0": packed(seed)},
        "results": results,
        "gradients": gradients,
    }


def channels(layer, x):
    return last(layer(first(x)))


torch.set_default_dtype(torch.float64)
keras.backend.set_floatx("float64")
# Keras 3 takes float64 with float32 for float32 (its products and normalisation would be): here float64 stays.
dtypes = keras.src.backend.common.dtypes
own_result_type = dtypes.result_type


def result_type(*types):
    return "float64" if "float64" in [keras.backend.standardize_dtype(t) for t in types] else own_result_type(*types)


for module in [dtypes, keras.src.backend.common, keras.src.backend, keras.src.backend.torch.numpy]:
    module.result_type = result_type
KERAS = keras.layers
SMALL = [3, 4, 3]
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
    case("batch-cumulative", torch.nn.BatchNorm1d(4, momentum=None), lambda layer, x: layer(x), calls=3, shape=[5, 4]),
    case("layer-two-axes", torch.nn.LayerNorm([4, 3]), lambda layer, x: layer(x), shape=SMALL),
    case("layer-plain", torch.nn.LayerNorm(3, elementwise_affine=False), lambda layer, x: layer(x), shape=SMALL),
    case("layer-no-bias", torch.nn.LayerNorm(3, bias=False), lambda layer, x: layer(x), shape=SMALL),
    case("layer-axis-1", torch.nn.LayerNorm(4), lambda layer, x: layer(x.mT).mT, shape=[3, 4, 4]),
    keras_case("layer-keras-axes", KERAS.LayerNormalization(axis=[1, 2], epsilon=1e-5, scale=False), shape=SMALL),
    keras_case("batch-keras", KERAS.BatchNormalization(), training=True, shape=SMALL),
    keras_case("batch-keras-momentum", KERAS.BatchNormalization(momentum=0.8), training=True, shape=SMALL),
    keras_case("batch-keras-inference", KERAS.BatchNormalization(), shape=SMALL),
]
TEXT = ",\n".join(json.dumps(each, separators=(",", ":")) for each in CASES)
(Path(__file__).parent / "norms.json").write_text("[\n" + TEXT + "\n]\n")
