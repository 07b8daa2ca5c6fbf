"""Makes leaks.json: programs whose gradients leak by accident elsewhere, each as it is written correctly in PyTorch,
over 20 steps in float64.

    python make_leaks.py

Layers are x·W, with tanh where they say so. Weights of nn modules are stored as [in, out].
"""

import copy
import json
from pathlib import Path

import torch

torch.manual_seed(11)
F64 = torch.float64
STEPS = 20


def rand(*shape, scale=0.5):
    return torch.randn(*shape, dtype=F64) * scale


def flat(tensors):
    return {name: t.detach().flatten().tolist() for name, t in tensors.items()}


class Judge(torch.nn.Module):
    """A discriminator: linear, batch norm, tanh, linear."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Parameter(rand(3, 4))
        self.norm = torch.nn.BatchNorm1d(4, dtype=F64)
        self.last = torch.nn.Parameter(rand(4, 1))
        with torch.no_grad():
            self.norm.weight.copy_(1 + rand(4, scale=0.2))
            self.norm.bias.copy_(rand(4, scale=0.2))
            self.norm.running_mean.copy_(rand(4))
            self.norm.running_var.copy_(rand(4).abs() + 0.5)

    def forward(self, x):
        return torch.tanh(self.norm(x @ self.first)) @ self.last

    def values(self):
        n = self.norm
        return {
            "judge/first": self.first, "judge/norm/gamma": n.weight, "judge/norm/beta": n.bias,
            "judge/norm/moving_mean": n.running_mean, "judge/norm/moving_variance": n.running_var,
            "judge/last": self.last,
        }


def gan(meaning):
    """A simultaneous step of generator and discriminator.

    meaning: what of the batch norm is frozen: "statistics" (they stay, though batches are normalised by their own, as
    at momentum 0), "affine" (gamma and beta stay, statistics move), "both" (eval mode, without gradients), "nothing".
    """
    torch.manual_seed(12)
    judge, generator = Judge(), rand(2, 3).requires_grad_()
    start = flat({**judge.values(), "generator": generator})
    noise, real = rand(5, 2, scale=1), rand(5, 3, scale=1)
    if meaning == "statistics":
        judge.norm.momentum = 0.0
    if meaning == "both":
        judge.norm.eval()
    if meaning in ("affine", "both"):
        judge.norm.requires_grad_(False)
    learning = [p for p in judge.parameters() if p.requires_grad]
    g = torch.optim.Adam([generator], lr=1e-2, betas=(0.5, 0.999))
    d = torch.optim.Adam(learning, lr=2e-2, betas=(0.5, 0.999))
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    losses = []
    for _ in range(STEPS):
        # One batch through the discriminator, so that what its norm sees is the same for both losses.
        scores = judge(torch.cat([torch.tanh(noise @ generator), real]))
        fake, true = scores[:5], scores[5:]
        g_loss = bce(fake, torch.ones_like(fake))
        d_loss = bce(true, torch.ones_like(true)) + bce(fake, torch.zeros_like(fake))
        (generator.grad,) = torch.autograd.grad(g_loss, [generator], retain_graph=True)
        for p, grad in zip(learning, torch.autograd.grad(d_loss, learning)):
            p.grad = grad
        g.step()
        d.step()
        losses.append([g_loss.item(), d_loss.item()])
    return {
        "start": start, "end": flat({**judge.values(), "generator": generator}), "losses": losses,
        "noise": noise.flatten().tolist(), "real": real.flatten().tolist(),
    }


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = torch.nn.Parameter(rand(3, 4))
        self.norm = torch.nn.BatchNorm1d(4, dtype=F64)
        self.out = torch.nn.Parameter(rand(4, 2))

    def forward(self, x):
        return torch.tanh(self.norm(x @ self.kernel)) @ self.out

    def values(self, scope):
        n = self.norm
        return {
            f"{scope}/kernel": self.kernel, f"{scope}/norm/gamma": n.weight, f"{scope}/norm/beta": n.bias,
            f"{scope}/norm/moving_mean": n.running_mean, f"{scope}/norm/moving_variance": n.running_var,
            f"{scope}/out": self.out,
        }


def byol(statistics, every=1):
    """Grill et al., 2020: an online encoder with a predictor, a target that averages it, of which
    statistics are copied, averaged, or its own (it then sees batches in training mode). With `every`, the target is a
    copy made each few steps."""
    torch.manual_seed(13)
    online, predictor = Encoder(), rand(2, 2).requires_grad_()
    target = copy.deepcopy(online).requires_grad_(False)
    if statistics != "own":
        target.eval()
    start = flat({**online.values("online"), "predictor": predictor})
    one, two = rand(6, 3, scale=1), rand(6, 3, scale=1)
    optimizer = torch.optim.SGD([*online.parameters(), predictor], lr=5e-2, momentum=0.9)
    decay = 0.9
    losses = []

    def distance(a, b):
        return 2 - 2 * torch.nn.functional.cosine_similarity(a, b, dim=1).mean()

    for step in range(1, STEPS + 1):
        with torch.no_grad():
            goal = target(two)
        loss = distance(online(one) @ predictor, goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append([loss.item()])
        with torch.no_grad():
            if every > 1:
                if step % every == 0:
                    target.load_state_dict(online.state_dict())
                continue
            for old, new in zip(target.parameters(), online.parameters()):
                old.copy_(decay * old + (1 - decay) * new)
            for old, new in zip(target.buffers(), online.buffers()):
                if not old.is_floating_point() or statistics == "own":
                    continue
                old.copy_(new if statistics == "copied" else decay * old + (1 - decay) * new)
    end = flat({**online.values("online"), **target.values("target"), "predictor": predictor})
    return {"start": start, "end": end, "losses": losses, "one": one.flatten().tolist(), "two": two.flatten().tolist()}


def vq():
    """van den Oord et al., 2017: nearest codes between encoder and decoder, straight through, and both losses."""
    torch.manual_seed(14)
    p = {name: rand(*shape).requires_grad_() for name, shape in
         {"encoder": (3, 2), "codebook": (5, 2), "decoder": (2, 3)}.items()}
    start = flat(p)
    x = rand(8, 3, scale=1)
    optimizer = torch.optim.Adam(p.values(), lr=2e-2)
    losses = []
    for _ in range(STEPS):
        z = torch.tanh(x @ p["encoder"])
        nearest = ((z[:, None] - p["codebook"]) ** 2).sum(-1).argmin(1)
        codes = p["codebook"][nearest]
        through = z + (codes - z).detach()
        rebuilt = ((through @ p["decoder"] - x) ** 2).mean()
        book, commitment = ((codes - z.detach()) ** 2).mean(), ((z - codes.detach()) ** 2).mean()
        loss = rebuilt + book + 0.25 * commitment
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append([rebuilt.item(), book.item(), commitment.item()])
    return {"start": start, "end": flat(p), "losses": losses, "x": x.flatten().tolist()}


result = {f"gan {meaning}": gan(meaning) for meaning in ("statistics", "affine", "both", "nothing")}
result |= {f"byol {statistics}": byol(statistics) for statistics in ("copied", "averaged", "own")}
result["byol every 3"] = byol("copied", every=3)
result["vq"] = vq()
Path(__file__).with_name("leaks.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
