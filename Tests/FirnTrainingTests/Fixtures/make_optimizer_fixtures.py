"""Makes optimizers.json: weights after each of a few steps of PyTorch's optimisers, in float64, and the error of float32.

    python make_optimizer_fixtures.py

Gradients are given, so that nothing but the update is compared: three weights that start at 0, the same four gradients
for all. Numbers are exact in float32.
"""

import json
from pathlib import Path

import torch

GRADIENTS = [[0.5, -0.25, 1.0], [-0.75, 0.375, 0.125], [1.5, 2.0, -3.0], [0.0625, -1.25, 0.25]]
RATE = 0.25
BETA1 = [0.0, 0.5, 0.9, 0.99, 0.999]
BETA2 = [0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]


def trained(make, schedule=None, clip=None, start=0.0, dtype=torch.float64):
    w = torch.full((3,), start, dtype=dtype, requires_grad=True)
    optimizer = make([w])
    scheduler = schedule(optimizer) if schedule else None
    steps = []
    for gradient in GRADIENTS:
        w.grad = torch.tensor(gradient, dtype=dtype)
        if clip:
            torch.nn.utils.clip_grad_norm_([w], clip)
        optimizer.step()
        if scheduler:
            scheduler.step()
        steps.append(w.detach().tolist())
    return steps


def case(make, **options):
    """Weights in float64, and by how much PyTorch's own run in float32 is off them."""
    exact = trained(make, **options)
    single = trained(make, dtype=torch.float32, **options)
    off = max(abs(a - b) for x, y in zip(exact, single) for a, b in zip(x, y))
    return {"weights": exact, "f32": off}


optim = torch.optim
result = {
    "gradients": GRADIENTS,
    "rate": RATE,
    "adam": [
        {"beta1": a, "beta2": b, **case(lambda p: optim.Adam(p, lr=RATE, betas=(a, b), eps=1e-8))}
        for a in BETA1
        for b in BETA2
    ],
    "others": {
        "adamw": case(lambda p: optim.AdamW(p, lr=RATE, weight_decay=0.01), start=1.0),
        "sgd": case(lambda p: optim.SGD(p, lr=RATE)),
        "momentum": case(lambda p: optim.SGD(p, lr=RATE, momentum=0.9)),
        "nesterov": case(lambda p: optim.SGD(p, lr=RATE, momentum=0.9, nesterov=True)),
        "decay": case(lambda p: optim.SGD(p, lr=RATE, momentum=0.9, weight_decay=0.01), start=1.0),
        "steps": case(
            lambda p: optim.Adam(p, lr=RATE), schedule=lambda o: optim.lr_scheduler.StepLR(o, step_size=2, gamma=0.3)),
        "cosine": case(
            lambda p: optim.SGD(p, lr=RATE), schedule=lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=7)),
        "scheduledDecay": case(
            lambda p: optim.AdamW(p, lr=RATE, weight_decay=0.01),
            schedule=lambda o: optim.lr_scheduler.StepLR(o, step_size=1, gamma=0.3), start=1.0),
        # PyTorch divides by the norm plus 1e-6.
        "clipped": case(lambda p: optim.SGD(p, lr=RATE), clip=0.5),
    },
}
Path(__file__).with_name("optimizers.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
