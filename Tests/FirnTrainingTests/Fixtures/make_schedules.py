"""Makes schedules.json: the rate of each step by PyTorch's schedulers, and of each epoch by ReduceLROnPlateau.

    python make_schedules.py
"""

import json
from pathlib import Path

import torch
from torch.optim import lr_scheduler as schedulers

STEPS = 50


def optimizer(rate):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)


def rates(rate, make, steps=STEPS):
    o = optimizer(rate)
    s = make(o)
    result = []
    for _ in range(steps):
        result.append(o.param_groups[0]["lr"])
        o.step()
        s.step()
    return result


def plateau(values, **settings):
    o = optimizer(1.0)
    s = schedulers.ReduceLROnPlateau(o, **settings)
    result = []
    for value in values:
        s.step(value)
        result.append(o.param_groups[0]["lr"])
    return result


values = [3, 2, 1.9, 1.9, 1.95, 1.89995, 1.7, 1.8, 1.8, 1.8, 1.8, 1.8, 1.8, 1.8, 1.6, 1.7, 1.7, 1.7, 1.7, 1.7]
result = {
    "exponential": rates(0.1, lambda o: schedulers.ExponentialLR(o, 0.9)),
    "polynomial": rates(0.1, lambda o: schedulers.PolynomialLR(o, total_iters=40, power=1.5)),
    "restarts": rates(0.1, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 7, 1, eta_min=0.001)),
    "doubled": rates(0.1, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, 2, eta_min=0.001)),
    "oneCycle": rates(0.1, lambda o: schedulers.OneCycleLR(o, 0.1, total_steps=STEPS), STEPS - 1),
    "values": values,
    "plateau": plateau(values, factor=0.5, patience=2),
    "cooling": plateau(values, factor=0.1, patience=1, cooldown=2, min_lr=0.05),
    "highest": plateau([-v for v in values], mode="max", factor=0.5, patience=2),
}
Path(__file__).with_name("schedules.json").write_text(json.dumps(result) + "\n")
