"""What Examples/DigitsTransfer does for one seed and 50 examples of each digit, in PyTorch.

    python digits_transfer.py digits.bin

digits.bin is in Sources/FirnDigits/Resources.
"""

import sys

import numpy as np
import torch
from torch import nn


class Learner(nn.Module):
    """The small CNN with a head for the digits 0 to 4 and another for 5 to 9."""

    def __init__(self, pretrained=None):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(128, 64), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(64, 5), nn.Linear(64, 5)])
        if pretrained is not None:
            self.load_state_dict(pretrained.state_dict())

    def forward(self, images, task):
        return self.heads[task](self.trunk(images))

    def fit(self, task, images, labels, steps, freezes_trunk=False):
        for parameter in self.parameters():
            parameter.requires_grad = False
        parts = [self.heads[task]] if freezes_trunk else [self.trunk, self.heads[task]]
        trained = [parameter for part in parts for parameter in part.parameters()]
        for parameter in trained:
            parameter.requires_grad = True
        optimizer = torch.optim.Adam(trained, lr=0.003)
        step, epoch = 0, 0
        while step < steps:
            self.train()
            if freezes_trunk:
                self.trunk.eval()  # or its batch norms' statistics move
            generator = torch.Generator().manual_seed(epoch)
            for batch in torch.randperm(len(labels), generator=generator).split(50):
                if step == steps:
                    break
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self(images[batch], task), labels[batch])
                loss.backward()
                optimizer.step()
                step += 1
            epoch += 1

    @torch.no_grad()
    def accuracy(self, task, images, labels):
        self.eval()
        hits = [
            (self(images[batch], task).argmax(-1) == labels[batch]).sum().item()
            for batch in torch.arange(len(labels)).split(1000)
        ]
        return sum(hits) / len(labels)


records = np.fromfile(sys.argv[1], dtype=np.uint8).reshape(-1, 65)
images = torch.tensor(records[:, :64] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
labels = torch.tensor(records[:, 64], dtype=torch.int64)
torch.manual_seed(1)
train, test, few = {0: [], 1: []}, {0: [], 1: []}, []
for digit in range(10):
    members = (labels == digit).nonzero().flatten()
    members = members[torch.randperm(len(members))]
    held = round(len(members) / 4)
    test[digit // 5].append(members[:held])
    train[digit // 5].append(members[held:])
    if digit >= 5:
        few.append(members[held : held + 50])
train, test = ({task: torch.cat(parts) for task, parts in part.items()} for part in (train, test))
few = torch.cat(few)

pretrained = Learner()
pretrained.fit(0, images[train[0]], labels[train[0]], steps=300)
print("pretrained, accuracy on 0-4:", pretrained.accuracy(0, images[test[0]], labels[test[0]]))
for name, freezes in [("trunk frozen", True), ("all trained", False)]:
    learner = Learner(pretrained)
    before = [value.clone() for value in learner.trunk.state_dict().values()]
    learner.fit(1, images[few], labels[few] - 5, steps=300, freezes_trunk=freezes)
    kept = all(map(torch.equal, before, learner.trunk.state_dict().values()))
    print(f"{name}, accuracy on 5-9:", learner.accuracy(1, images[test[1]], labels[test[1]] - 5), "kept:", kept)
