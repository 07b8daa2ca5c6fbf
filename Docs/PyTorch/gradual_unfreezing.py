"""What Examples/GradualUnfreezing does, in PyTorch: `python gradual_unfreezing.py digits.bin`.

digits.bin is in Sources/FirnDigits/Resources.
"""

import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

records = np.fromfile(sys.argv[1], dtype=np.uint8).reshape(-1, 65)
images = torch.tensor(records[:, :64] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
labels = torch.tensor(records[:, 64], dtype=torch.int64)
torch.manual_seed(1)
order = torch.randperm(len(labels))


def part(lowest):
    chosen = order[(labels[order] >= lowest) & (labels[order] < lowest + 5)]
    held = len(chosen) // 4
    return [(images[rows], labels[rows] - lowest) for rows in (chosen[held:], chosen[:held])]


def batches(x, y, epoch):
    generator = torch.Generator().manual_seed(epoch)
    for rows in torch.randperm(len(y), generator=generator).split(50):
        yield x[rows], y[rows]


trunk = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(128, 64), nn.ReLU())
old_head, head = nn.Linear(64, 5), nn.Linear(64, 5)
model = nn.Sequential(trunk, head)
(old_train, _), (train, test) = part(0), part(5)

pretraining = torch.optim.Adam([*trunk.parameters(), *old_head.parameters()], lr=0.003)
for epoch in range(3):
    for x, y in batches(*old_train, epoch):
        pretraining.zero_grad()
        F.cross_entropy(old_head(trunk(x)), y).backward()
        pretraining.step()

rates, frozen_layers = [0.003, 0.002, 0.001, 0.0005], [11, 8, 4, 0]
optimizer = None
for epoch in range(8):
    if epoch % 2 == 0:
        stage = epoch // 2
        frozen = trunk[: frozen_layers[stage]]
        for parameter in model.parameters():
            parameter.requires_grad = True
        for parameter in frozen.parameters():
            parameter.requires_grad = False
        memory = optimizer.state if optimizer else {}
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=rates[stage])
        for parameter in trained:  # moments of what was trained before go on
            if parameter in memory:
                optimizer.state[parameter] = memory[parameter]
    model.train()
    frozen.eval()  # or the statistics of its batch norms move
    for x, y in batches(*train, epoch):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model.eval()
    total = hits = 0
    with torch.no_grad():
        for rows in torch.arange(len(test[1])).split(500):
            logits = model(test[0][rows])
            total += F.cross_entropy(logits, test[1][rows], reduction="sum").item()
            hits += (logits.argmax(-1) == test[1][rows]).sum().item()
    print("epoch", epoch, "loss", total / len(test[1]), "accuracy", hits / len(test[1]))
