"""Makes torch.json and torch_adam.json: PyTorch's recurrent modules and its Adam, in float64.

    pip install numpy torch
    python make_torch_fixtures.py
"""

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fixture import *


def module_of(kind, layers, bidirectional, generator, projection=0):
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
    return module


def values(module):
    return {n: p.detach().numpy().copy() for n, p in module.named_parameters()}


def run(module, x, start=None):
    given = pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    sequence, final = module(given, start)
    return pad_packed_sequence(sequence, batch_first=True, total_length=TIME)[0], final



def torch_case(kind, layers, bidirectional, projection=0, ragged=True):
    name = named(kind, layers, bidirectional)
    if projection:
        name += "-projection"
    if not ragged:
        name += "-full"
    generator = numbers(name)
    module = module_of(kind, layers, bidirectional, generator, projection)
    weights = values(module)

    def leaf(shape):
        return torch.tensor(drawn(generator, shape), requires_grad=True)

    count = layers * (2 if bidirectional else 1)
    x = leaf((BATCH, TIME, FEATURES))
    states = [leaf((count, BATCH, projection or UNITS))]
    if kind == "lstm":
        states.append(leaf((count, BATCH, UNITS)))
    start = tuple(states) if kind == "lstm" else states[0]
    sequence, final = run(module, x, start) if ragged else module(x, start)
    results = [sequence] + (list(final) if kind == "lstm" else [final])
    seeds = [drawn(generator, tuple(result.shape)) for result in results]
    loss = sum((result * torch.tensor(seed)).sum() for result, seed in zip(results, seeds))
    loss.backward()
    state_names = ["h", "c"][: len(states)]
    arrays = lambda tensors: [t.detach().numpy() for t in tensors]
    return case(
        name,
        weights=weights,
        inputs=dict(zip(["x"] + state_names, arrays([x] + states)))
        | ({"lengths": np.array(LENGTHS, dtype=float)} if ragged else {}),
        seeds=dict(zip(["sequence"] + state_names, seeds)),
        results=dict(zip(["sequence"] + state_names, arrays(results))),
        gradients={n: p.grad.numpy() for n, p in module.named_parameters()}
        | dict(zip(["x"] + state_names, [t.grad.numpy() for t in [x] + states])),
    )


def torch_cases():
    for kind in ["tanh", "relu", "lstm", "gru"]:
        for layers, bidirectional in shapes():
            yield torch_case(kind, layers, bidirectional)
    yield torch_case("lstm", 1, True, projection=2)
    yield torch_case("gru", 1, False, ragged=False)


def stays(name, kind, layers):
    """Two biases of a plain cell or an LSTM are one in Firn, so one of them is trained."""
    if kind != "gru" and name.startswith("bias_hh"):
        return True
    layer = int(name.split("_l")[1].split("_")[0])
    return is_frozen(layers, layer, name.endswith("_reverse"), name.startswith("weight_hh"))


def training():
    for kind in ["tanh", "lstm", "gru"]:
        for layers, bidirectional in shapes():
            name = named(kind, layers, bidirectional)
            generator = numbers("torch-adam" + name)
            module = module_of(kind, layers, bidirectional, generator)
            before = values(module)
            x = torch.tensor(drawn(generator, (BATCH, TIME, FEATURES)))
            target = drawn(generator, (BATCH, TIME, UNITS * (2 if bidirectional else 1)))
            frozen = [n for n in before if stays(n, kind, layers)]
            for n, parameter in module.named_parameters():
                parameter.requires_grad_(n not in frozen)
            adam = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=RATE, eps=1e-8)
            for _ in range(STEPS):
                adam.zero_grad()
                ((run(module, x)[0] - torch.tensor(target)) ** 2).mean().backward()
                adam.step()
            yield training_case(
                name, frozen, weights=before, trained=values(module),
                inputs={"x": x.numpy(), "target": target, "lengths": np.array(LENGTHS, float)})


save("torch.json", torch_cases())
save("torch_adam.json", training())
