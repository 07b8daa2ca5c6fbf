"""Makes biases.json: recurrent layers without biases and with two, gates of old Keras, embeddings with a padding index
and LAMB, as PyTorch and Keras compute them in float64. Weights have Firn's names and layout.

    pip install numpy torch keras
    python make_bias_fixtures.py
"""

import os

import numpy as np
import torch

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402

from fixture import BATCH, FEATURES, TIME, UNITS, case, drawn, numbers, save  # noqa: E402

torch.set_default_dtype(torch.float64)
keras.backend.set_floatx("float64")
# Keras 3 takes float64 with float32 for float32 (its products and normalisation would be): here float64 stays.
dtypes = keras.src.backend.common.dtypes
own_result_type = dtypes.result_type


def result_type(*types):
    return "float64" if "float64" in [keras.backend.standardize_dtype(t) for t in types] else own_result_type(*types)


for module in [dtypes, keras.src.backend.common, keras.src.backend, keras.src.backend.torch.numpy]:
    module.result_type = result_type
NAMES = {"weight_ih": "kernel", "weight_hh": "recurrent_kernel", "bias_ih": "bias", "bias_hh": "recurrent_bias"}


def place(name, layers, both):
    """PyTorch's `weight_ih_l0_reverse` as Firn's `layer_0/backward/kernel`."""
    own, _, rest = name.partition("_l")
    layer, _, reverse = rest.partition("_")
    flat = layers == 1 and not both
    return ("" if flat else f"layer_{layer}/{'backward' if reverse else 'forward'}/") + NAMES[own]


def recurrent(name, kind, layers=1, both=False, **options):
    """Outputs, and five steps of SGD with momentum: losses and weights after them."""
    generator = numbers(name)
    layer = kind(FEATURES, UNITS, num_layers=layers, bidirectional=both, batch_first=True, **options)

    def weights():
        arrays = {place(key, layers, both): value.detach().numpy() for key, value in layer.named_parameters()}
        return {key: array.T.copy() if array.ndim == 2 else array.copy() for key, array in arrays.items()}

    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.tensor(drawn(generator, tuple(parameter.shape))))
    first = weights()
    x = drawn(generator, (BATCH, TIME, FEATURES))
    target = drawn(generator, (BATCH, TIME, UNITS * (2 if both else 1)))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    losses, sequence = [], None
    for _ in range(5):
        y = layer(torch.tensor(x))[0]
        sequence = y.detach().numpy().copy() if sequence is None else sequence
        loss = torch.mean((y - torch.tensor(target)) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return case(name, weights=first, inputs={"x": x, "target": target},
                results={"sequence": sequence, "losses": losses}, trained=weights())


def gates(name, layer, order):
    """One run of a layer of Keras's; `order` are the blocks of its gates as Firn has them."""
    generator = numbers(name)
    x = drawn(generator, (BATCH, TIME, FEATURES))
    layer.build(x.shape)
    weights = {}
    for variable in layer.weights:
        array = drawn(generator, variable.shape)
        variable.assign(array)
        blocks = np.split(array, len(order), axis=-1)
        array = np.concatenate([blocks[i] for i in order], axis=-1)
        if variable.name == "bias" and array.ndim == 2:
            weights |= {"bias": array[0], "recurrent_bias": array[1]}
        else:
            weights[variable.name] = array
    return case(name, weights=weights, inputs={"x": x},
                results={"sequence": keras.ops.convert_to_numpy(layer(x))})


def keras2_hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


def embedding(name, index):
    """Three steps of SGD on a table with a padding index."""
    generator = numbers(name)
    layer = torch.nn.Embedding(5, 3, padding_idx=index)
    zeros = layer.weight.detach().numpy()[index].copy()
    table = drawn(generator, (5, 3))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(table))
    words = np.array([[4, 1, 0], [1, 2, 4]])
    seed = drawn(generator, (2, 3, 3))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    result = layer(torch.tensor(words)).detach().numpy().copy()
    for _ in range(3):
        optimizer.zero_grad()
        (layer(torch.tensor(words)) * torch.tensor(seed)).sum().backward()
        optimizer.step()
    return case(name, weights={"table": table}, inputs={"words": words, "seed": seed},
                results={"vectors": result, "first_row": zeros}, trained={"table": layer.weight.detach().numpy()})


def lamb(name):
    """Three steps of LAMB on two variables that share a loss."""
    generator = numbers(name)
    first = {"a": drawn(generator, (3, 4)), "b": drawn(generator, (4,))}
    variables = [keras.Variable(array) for array in first.values()]
    x, target = drawn(generator, (5, 3)), drawn(generator, (5, 4))
    optimizer = keras.optimizers.Lamb(learning_rate=0.1, epsilon=1e-6)
    optimizer.build(variables)
    for _ in range(3):
        for variable in variables:
            variable.value.grad = None
        y = torch.tensor(x) @ variables[0].value + variables[1].value
        torch.mean((y - torch.tensor(target)) ** 2).backward()
        optimizer.apply([variable.value.grad for variable in variables])
    trained = {key: keras.ops.convert_to_numpy(v) for key, v in zip(first, variables)}
    return case(name, weights=first, inputs={"x": x, "target": target}, trained=trained)


GRU_ORDER = [1, 0, 2]
LAYERS = keras.layers
SEQUENCE = {"return_sequences": True}
CASES = []
for kind, cell in [("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU), ("rnn", torch.nn.RNN)]:
    CASES += [recurrent(f"{kind}-none", cell, bias=False), recurrent(f"{kind}-two", cell)]
CASES += [recurrent("lstm-two-stacked", torch.nn.LSTM, layers=2, both=True),
          recurrent("lstm-none-stacked", torch.nn.LSTM, layers=2, both=True, bias=False)]
for kind, function in [("hard", "hard_sigmoid"), ("keras2", keras2_hard_sigmoid)]:
    own = {"recurrent_activation": function} | SEQUENCE
    CASES += [gates(f"gates-lstm-{kind}", LAYERS.LSTM(UNITS, **own), [0, 1, 2, 3]),
              gates(f"gates-gru-{kind}", LAYERS.GRU(UNITS, **own), GRU_ORDER),
              gates(f"gates-before-{kind}", LAYERS.GRU(UNITS, reset_after=False, **own), GRU_ORDER)]
CASES += [embedding("embedding-1", 1), embedding("embedding-last", -1), lamb("lamb")]
save("biases.json", CASES)
print(len(CASES), "cases")
