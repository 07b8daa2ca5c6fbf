"""What Examples/Sunspots does for one seed, in PyTorch: `python sunspots.py FOLDER`.

FOLDER is what `Sunspots --write-data FOLDER` wrote.
"""

import copy
import sys

import numpy as np
import torch
from torch import nn


class Forecaster(nn.Module):
    """An LSTM that reads 22 years, and a head that tells the next 11 at once."""

    def __init__(self, pretrained=None):
        super().__init__()
        self.encoder = nn.LSTM(1, 24, batch_first=True)
        self.head = nn.Linear(24, 11)
        if pretrained is not None:
            self.load_state_dict(pretrained.state_dict())

    # Counts vary with their size: roots have about the same noise everywhere, and lie in about -0.7...0.7.
    @staticmethod
    def scaled(numbers):
        return numbers.sqrt() / 10 - 0.7

    def forward(self, seen):
        output, _ = self.encoder(self.scaled(seen).unsqueeze(-1))
        return self.head(output[:, -1])

    def loss(self, seen, told):
        return nn.functional.mse_loss(self(seen), self.scaled(told))

    def fit(self, data, validation, epochs, rate, frozen=()):
        """Trains with Adam and ends with the weights that did best on `validation`."""
        for parameter in self.parameters():
            parameter.requires_grad = True
        for part in frozen:
            for parameter in part.parameters():
                parameter.requires_grad = False
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=rate)
        best, kept = float("inf"), None
        for epoch in range(epochs):
            self.train()
            for part in frozen:
                part.eval()
            optimizer.zero_grad()
            self.loss(*data).backward()
            nn.utils.clip_grad_norm_(trained, 1)
            optimizer.step()
            self.eval()
            with torch.no_grad():
                loss = self.loss(*validation).item()
            if loss < best:
                best, kept = loss, copy.deepcopy(self.state_dict())
        self.load_state_dict(kept)

    @torch.no_grad()
    def error(self, seen, told):
        """The root mean squared error, in sunspot numbers."""
        self.eval()
        forecast = (10 * self(seen) + 7).clamp(min=0) ** 2
        return (forecast - told).square().mean().sqrt().item()


def table(name):
    rows = np.loadtxt(f"{sys.argv[1]}/{name}.csv", delimiter=",", skiprows=1, dtype=np.float32)
    return torch.tensor(rows[:, :22]), torch.tensor(rows[:, 22:])


torch.manual_seed(1)
early, late, choosing, heldout = map(table, ["early", "late", "choosing", "heldout"])
pretrained = Forecaster()
pretrained.fit(early, choosing, epochs=600, rate=0.01)
adapted = Forecaster(pretrained)
adapted.fit(late, choosing, epochs=400, rate=0.003, frozen=[adapted.encoder])
print("errors:", pretrained.error(*heldout), adapted.error(*heldout))
