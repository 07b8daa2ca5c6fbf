"""Makes optimizer_steps.json: weights after 100 steps of each optimiser in float64, with groups, decay and a part frozen.

    python make_optimizer_steps.py

The model is tanh(x·W1 + b1)·W2, its loss the mean square of the distance to y, over one batch. W1 is frozen; b1 has a
hundredth of the rate and no decay. PyTorch's optimisers where it has them; Lion and LAMB as their papers have them. For
reference the first and the last loss are there too.
"""

import json
from pathlib import Path

import torch

from paper_optimizers import LAMB, Lion

torch.manual_seed(15)
F64 = torch.float64
X = torch.randn(7, 3, dtype=F64)
Y = torch.randn(7, 2, dtype=F64)
START = {
    "w1": torch.randn(3, 4, dtype=F64) * 0.5,
    "b1": torch.randn(4, dtype=F64) * 0.1,
    "w2": torch.randn(4, 2, dtype=F64) * 0.5,
}
STEPS = 100


def trained(make, rate, decay):
    w1 = START["w1"].clone()
    b1 = START["b1"].clone().requires_grad_()
    w2 = START["w2"].clone().requires_grad_()
    optimizer = make(
        [
            {"params": [w2], "lr": rate, "weight_decay": decay},
            {"params": [b1], "lr": rate * 0.01, "weight_decay": 0.0},
        ]
    )
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = ((torch.tanh(X @ w1 + b1) @ w2 - Y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {
        "rate": rate,
        "decay": decay,
        "b1": b1.detach().tolist(),
        "w2": w2.detach().flatten().tolist(),
        "losses": [losses[0], losses[-1]],
    }


o = torch.optim
CASES = {
    "sgd": (lambda g: o.SGD(g, lr=0.1), 0.1, 0.01),
    "momentum": (lambda g: o.SGD(g, lr=0.05, momentum=0.9), 0.05, 0.01),
    "nesterov": (lambda g: o.SGD(g, lr=0.05, momentum=0.9, nesterov=True), 0.05, 0.01),
    "dampened": (lambda g: o.SGD(g, lr=0.05, momentum=0.9, dampening=0.3), 0.05, 0.01),
    "adam": (lambda g: o.Adam(g), 0.01, 0.01),
    "adamw": (lambda g: o.AdamW(g), 0.01, 0.05),
    "amsgrad": (lambda g: o.Adam(g, amsgrad=True), 0.05, 0.01),
    "nadam": (lambda g: o.NAdam(g), 0.01, 0.01),
    "nadamw": (lambda g: o.NAdam(g, decoupled_weight_decay=True), 0.01, 0.05),
    "rmsprop": (lambda g: o.RMSprop(g), 0.01, 0.01),
    "centred": (lambda g: o.RMSprop(g, centered=True, momentum=0.5), 0.005, 0.01),
    "adagrad": (lambda g: o.Adagrad(g, lr_decay=0.01, initial_accumulator_value=0.1), 0.1, 0.01),
    "adadelta": (lambda g: o.Adadelta(g), 1.0, 0.01),
    "lion": (lambda g: Lion(g), 0.003, 0.05),
    "lamb": (lambda g: LAMB(g), 0.01, 0.05),
}
result = {
    "x": X.flatten().tolist(),
    "y": Y.flatten().tolist(),
    **{name: value.flatten().tolist() for name, value in START.items()},
    "steps": STEPS,
    "cases": {name: trained(*case) for name, case in CASES.items()},
}
Path(__file__).with_name("optimizer_steps.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
