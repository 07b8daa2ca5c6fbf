"""Makes the numbers that recurrent layers are compared with: torch.json, keras.json and tensorflow1.json.

    pip install numpy torch keras
    KERAS_BACKEND=torch python make_fixtures.py

PyTorch computes torch.json and, as Keras's backend, keras.json, both in float64. TensorFlow 1 no longer installs;
tensorflow1.json is its BasicLSTMCell, LSTMCell (peepholes, projection) and GRUCell written out in NumPy from
tensorflow/python/ops/rnn_cell_impl.py of 1.15, run as dynamic_rnn runs them.

Inputs and weights are rounded to three decimals so that the files stay small; results are exact to the last bit.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

BATCH, TIME, FEATURES, UNITS = 2, 5, 3, 4
LENGTHS = [3, 5]
HERE = Path(__file__).parent


def packed(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.reshape(-1).tolist()}


def save(name, cases):
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / name).write_text("[\n" + text + "\n]\n")


def drawn(generator, shape):
    return np.round(generator.uniform(-0.9, 0.9, shape), 3)


def case(name, **groups):
    """A case: each group is a dictionary of arrays."""
    return {"name": name, **{k: {n: packed(a) for n, a in group.items()} for k, group in groups.items()}}


# PyTorch


def torch_case(kind, layers, bidirectional, projection=0, ragged=True):
    name = f"{kind}-{layers}-{'bi' if bidirectional else 'uni'}"
    if projection:
        name += "-projection"
    if not ragged:
        name += "-full"
    generator = np.random.default_rng(abs(hash_of(name)))
    options = dict(num_layers=layers, bidirectional=bidirectional, batch_first=True, dtype=torch.float64)
    if kind == "lstm":
        module = torch.nn.LSTM(FEATURES, UNITS, proj_size=projection, **options)
    elif kind == "gru":
        module = torch.nn.GRU(FEATURES, UNITS, **options)
    else:
        module = torch.nn.RNN(FEATURES, UNITS, nonlinearity=kind, **options)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.tensor(drawn(generator, tuple(parameter.shape))))
    weights = {n: p.detach().numpy().copy() for n, p in module.named_parameters()}

    def leaf(shape):
        return torch.tensor(drawn(generator, shape), requires_grad=True)

    count = layers * (2 if bidirectional else 1)
    x = leaf((BATCH, TIME, FEATURES))
    states = [leaf((count, BATCH, projection or UNITS))]
    if kind == "lstm":
        states.append(leaf((count, BATCH, UNITS)))
    start = tuple(states) if kind == "lstm" else states[0]
    if ragged:
        given = pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
        sequence, final = module(given, start)
        sequence, _ = pad_packed_sequence(sequence, batch_first=True, total_length=TIME)
    else:
        sequence, final = module(x, start)
    results = [sequence] + (list(final) if kind == "lstm" else [final])
    seeds = [drawn(generator, tuple(result.shape)) for result in results]
    loss = sum((result * torch.tensor(seed)).sum() for result, seed in zip(results, seeds))
    loss.backward()
    state_names = ["h", "c"][: len(states)]
    numbers = lambda tensors: [t.detach().numpy() for t in tensors]
    return case(
        name,
        weights=weights,
        inputs=dict(zip(["x"] + state_names, numbers([x] + states)))
        | ({"lengths": np.array(LENGTHS, dtype=float)} if ragged else {}),
        seeds=dict(zip(["sequence"] + state_names, seeds)),
        results=dict(zip(["sequence"] + state_names, numbers(results))),
        gradients={n: p.grad.numpy() for n, p in module.named_parameters()}
        | dict(zip(["x"] + state_names, [t.grad.numpy() for t in [x] + states])),
    )


def hash_of(name):
    result = 7
    for letter in name:
        result = (result * 31 + ord(letter)) % (1 << 31)
    return result


def torch_cases():
    for kind in ["tanh", "relu", "lstm", "gru"]:
        for layers in [1, 3]:
            for bidirectional in [False, True]:
                yield torch_case(kind, layers, bidirectional)
    yield torch_case("lstm", 1, True, projection=2)
    yield torch_case("gru", 1, False, ragged=False)


# Keras


def keras_cases():
    import keras

    keras.config.set_floatx("float64")
    # Keras's own matmul goes through float32 on this backend, whatever its operands are.
    keras.src.backend.numpy.matmul = torch.matmul
    for kind in ["simple", "lstm", "gru", "gru-reset-before"]:
        generator = np.random.default_rng(abs(hash_of("keras" + kind)))
        options = dict(return_sequences=True, return_state=True, dtype="float64")
        layer = {
            "simple": lambda: keras.layers.SimpleRNN(UNITS, **options),
            "lstm": lambda: keras.layers.LSTM(UNITS, **options),
            "gru": lambda: keras.layers.GRU(UNITS, reset_after=True, **options),
            "gru-reset-before": lambda: keras.layers.GRU(UNITS, reset_after=False, **options),
        }[kind]()
        layer.build((BATCH, TIME, FEATURES))
        values = [drawn(generator, w.shape) for w in layer.get_weights()]
        layer.set_weights(values)
        x = torch.tensor(drawn(generator, (BATCH, TIME, FEATURES)), requires_grad=True)
        results = layer(x)
        names = ["sequence", "h", "c"][: len(results)]
        seeds = [drawn(generator, tuple(r.shape)) for r in results]
        loss = sum((r * torch.tensor(s)).sum() for r, s in zip(results, seeds))
        loss.backward()
        variables = layer.trainable_weights
        keys = [v.name for v in variables]
        yield case(
            "keras-" + kind,
            weights=dict(zip(keys, values)),
            inputs={"x": x.detach().numpy()},
            seeds=dict(zip(names, seeds)),
            results=dict(zip(names, [r.detach().numpy() for r in results])),
            gradients=dict(zip(keys, [v.value.grad.numpy() for v in variables])) | {"x": x.grad.numpy()},
        )


# TensorFlow 1


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tensorflow_lstm(w, x, state, forget_bias=1.0):
    c, h = state
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ w["kernel"] + w["bias"], 4, 1)
    peep = lambda key, value: w[key] * value if key in w else 0
    c = sigmoid(f + forget_bias + peep("w_f_diag", c)) * c + sigmoid(i + peep("w_i_diag", c)) * np.tanh(j)
    h = sigmoid(o + peep("w_o_diag", c)) * np.tanh(c)
    return (c, h @ w["projection/kernel"] if "projection/kernel" in w else h)


def tensorflow_gru(w, x, state):
    (h,) = state
    r, u = np.split(sigmoid(np.concatenate([x, h], 1) @ w["gates/kernel"] + w["gates/bias"]), 2, 1)
    c = np.tanh(np.concatenate([x, r * h], 1) @ w["candidate/kernel"] + w["candidate/bias"])
    return (u * h + (1 - u) * c,)


def tensorflow_cases():
    n, m, p = UNITS, FEATURES, 2
    for name, step, shapes, widths in [
        ("tf1-lstm", tensorflow_lstm, {"kernel": (m + n, 4 * n), "bias": (4 * n,)}, [n, n]),
        (
            "tf1-lstm-peephole-projection",
            tensorflow_lstm,
            {"kernel": (m + p, 4 * n), "bias": (4 * n,), "w_f_diag": (n,), "w_i_diag": (n,), "w_o_diag": (n,)}
            | {"projection/kernel": (n, p)},
            [n, p],
        ),
        (
            "tf1-gru",
            tensorflow_gru,
            {"gates/kernel": (m + n, 2 * n), "gates/bias": (2 * n,)}
            | {"candidate/kernel": (m + n, n), "candidate/bias": (n,)},
            [n],
        ),
    ]:
        generator = np.random.default_rng(abs(hash_of(name)))
        weights = {key: drawn(generator, shape) for key, shape in shapes.items()}
        x = drawn(generator, (BATCH, TIME, m))
        state = tuple(np.zeros((BATCH, width)) for width in widths)
        outputs = []
        for t in range(TIME):
            live = (t < np.array(LENGTHS))[:, None]
            following = step(weights, x[:, t], state)
            outputs.append(np.where(live, following[-1], 0))
            state = tuple(np.where(live, a, b) for a, b in zip(following, state))
        names = ["c", "h"] if len(state) == 2 else ["h"]
        yield case(
            name,
            weights=weights,
            inputs={"x": x, "lengths": np.array(LENGTHS, dtype=float)},
            seeds={},
            results={"sequence": np.stack(outputs, 1)} | dict(zip(names, state)),
            gradients={},
        )


save("torch.json", torch_cases())
save("tensorflow1.json", tensorflow_cases())
save("keras.json", keras_cases())
