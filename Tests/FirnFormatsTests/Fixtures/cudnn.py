"""Makes checkpoints/cudnn.npz: LSTM and GRU as Keras lays them out, and as Keras converts them for its CuDNN layers.

    pip install numpy tensorflow-cpu tf_keras
    python cudnn.py            makes the file
    python cudnn.py FOLDER     converts back what Firn saved to FOLDER, and compares bits

The second needs what tests leave there: FIRN_WRITTEN=FOLDER swift test --filter CuDNNLayoutTests
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras
from tf_keras.src.saving.legacy.hdf5_format import _convert_rnn_weights

FILE = Path(__file__).parent / "checkpoints" / "cudnn.npz"
NAMES = ["kernel", "recurrent_kernel", "bias"]


class CuDNNLSTM:
    """The conversion looks at the name of the layer's class alone; the layer itself needs a GPU."""


class CuDNNGRU:
    pass


LAYERS = {
    "lstm": (tf_keras.layers.LSTM(4), CuDNNLSTM(), [(3, 16), (4, 16), (16,)]),
    "gru": (tf_keras.layers.GRU(4, reset_after=True), CuDNNGRU(), [(3, 12), (4, 12), (2, 12)]),
}


def make():
    generator, arrays = np.random.default_rng(7), {}
    for name, (plain, cudnn, shapes) in LAYERS.items():
        weights = [generator.uniform(-1, 1, shape).astype("f4") for shape in shapes]
        converted = _convert_rnn_weights(cudnn, weights)
        assert all(np.array_equal(a, b) for a, b in zip(_convert_rnn_weights(plain, converted), weights))
        if name == "lstm":
            # As trained there, where the two biases differ.
            converted[2] = generator.uniform(-1, 1, (32,)).astype("f4")
            weights = _convert_rnn_weights(plain, converted)
        arrays |= {f"{name}/{n}": w for n, w in zip(NAMES, weights)}
        arrays |= {f"cu_dnn{name}/{n}:0": w for n, w in zip(NAMES, converted)}
    np.savez(FILE, **{n: np.ascontiguousarray(a) for n, a in arrays.items()})


def check(folder):
    arrays = np.load(FILE)
    for name, (plain, cudnn, _) in LAYERS.items():
        written = np.load(folder / f"cudnn-{name}.npz")
        weights = [arrays[f"{name}/{n}"] for n in NAMES]
        mine = [written[f"cu_dnn{name}/{n}"] for n in NAMES]
        assert all(np.array_equal(a, b) for a, b in zip(_convert_rnn_weights(cudnn, weights), mine)), name
        assert all(np.array_equal(a, b) for a, b in zip(_convert_rnn_weights(plain, mine), weights)), name
        print(f"cudnn-{name}.npz: equal to what Keras converts, both ways")


if len(sys.argv) > 1:
    check(Path(sys.argv[1]))
else:
    make()
