"""What the scripts that make fixtures share: sizes, numbers and the form of a case.

Inputs and weights are rounded to three decimals so that the files stay small; results are exact to the last bit.
"""

import json
from pathlib import Path

import numpy as np

BATCH, TIME, FEATURES, UNITS = 2, 5, 3, 4
LENGTHS = [3, 5]
STEPS, RATE = 10, 0.01
HERE = Path(__file__).parent


def packed(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.reshape(-1).tolist()}


def save(name, cases):
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / name).write_text("[\n" + text + "\n]\n")


def numbers(name):
    """A generator of its own for each case, so that adding one changes no other."""
    seed = 7
    for letter in name:
        seed = (seed * 31 + ord(letter)) % (1 << 31)
    return np.random.default_rng(seed)


def drawn(generator, shape):
    return np.round(generator.uniform(-0.9, 0.9, shape), 3)


def case(name, **groups):
    """A case: each group is a dictionary of arrays."""
    return {"name": name, **{k: {n: packed(a) for n, a in group.items()} for k, group in groups.items()}}


def training_case(name, frozen, **groups):
    """A case of ten steps of Adam; `frozen` are the names of weights that none of them moved."""
    return case(name, **groups) | {"frozen": sorted(frozen)}


def shapes():
    """Layers and whether both directions, as every kind of cell is tried."""
    return [(layers, both) for layers in [1, 3] for both in [False, True]]


def named(kind, layers, both):
    return f"{kind}-{layers}-{'bi' if both else 'uni'}"


def epsilon(step, value=1e-8):
    """What Keras's and TensorFlow's Adam must be given at step 1, 2, … for `value` to mean what the paper's algorithm 1,
    PyTorch and Firn mean: they add it before the second moment is corrected (the paper's "epsilon hat")."""
    return value * (1 - 0.999**step) ** 0.5


def is_frozen(layers, layer, is_backward, is_recurrent_kernel):
    """What stays as it is in a training case: of one layer its recurrent kernel, of three layers the lowest one's
    forward direction and the recurrent kernel of the next."""
    if layers == 1:
        return is_recurrent_kernel
    return (layer == 0 and not is_backward) or (layer == 1 and is_recurrent_kernel)
