"""Makes objectives.json: programs of several losses, each as it is written correctly in PyTorch, over 20 steps in float64.

    python make_objectives.py

Layers are x·W + b, with tanh where they say so; what each program trains by which loss is below. Batch norm is written out.
"""

import json
from pathlib import Path

import torch

torch.manual_seed(7)
F64 = torch.float64
STEPS = 20


def rand(*shape, scale=0.5):
    return torch.randn(*shape, dtype=F64) * scale


def moved(tensors):
    return {name: t.detach().flatten().tolist() for name, t in tensors.items()}


def start(shapes):
    return {name: rand(*shape) for name, shape in shapes.items()}


def leaves(values):
    return {name: v.clone().requires_grad_() for name, v in values.items()}


def actor_critic():
    """The critic learns the returns, the actor by its advantage, through which no gradient goes to the critic."""
    values = start({"trunk": (3, 4), "actor": (4, 2), "critic": (4, 1)})
    x, returns, actions = rand(6, 3, scale=1), rand(6, 1, scale=1), torch.tensor([0, 1, 1, 0, 1, 0])
    p = leaves(values)
    actor = torch.optim.Adam([p["actor"]], lr=1e-2)
    critic = torch.optim.SGD([p["trunk"], p["critic"]], lr=1e-1, momentum=0.9)
    losses = []
    for _ in range(STEPS):
        h = torch.tanh(x @ p["trunk"])
        value = h @ p["critic"]
        logp = torch.log_softmax(h @ p["actor"], dim=1)[torch.arange(6), actions].unsqueeze(1)
        actor_loss = -(logp * (returns - value).detach()).mean()
        critic_loss = ((value - returns) ** 2).mean()
        a = torch.autograd.grad(actor_loss, [p["actor"]], retain_graph=True)
        c = torch.autograd.grad(critic_loss, [p["trunk"], p["critic"]])
        p["actor"].grad, (p["trunk"].grad, p["critic"].grad) = a[0], c
        actor.step()
        critic.step()
        losses.append([actor_loss.item(), critic_loss.item()])
    return {
        "start": moved(values), "x": x.flatten().tolist(), "returns": returns.flatten().tolist(),
        "actions": actions.tolist(), "end": moved(p), "losses": losses,
    }


def gan():
    """A simultaneous step of generator and discriminator; the discriminator's batch norm stays as it was loaded."""
    values = start({"generator": (2, 3), "first": (3, 4), "last": (4, 1)})
    mean, variance = rand(4), rand(4).abs() + 0.5
    noise, real = rand(5, 2, scale=1), rand(5, 3, scale=1)
    p = leaves(values)
    g = torch.optim.Adam([p["generator"]], lr=1e-2, betas=(0.5, 0.999))
    d = torch.optim.Adam([p["first"], p["last"]], lr=2e-2, betas=(0.5, 0.999))
    bce = torch.nn.functional.binary_cross_entropy_with_logits

    def judge(x):
        h = (x @ p["first"] - mean) / torch.sqrt(variance + 1e-5)
        return torch.tanh(h) @ p["last"]

    losses = []
    for _ in range(STEPS):
        fake = torch.tanh(noise @ p["generator"])
        on_fake, on_real = judge(fake), judge(real)
        g_loss = bce(on_fake, torch.ones_like(on_fake))
        d_loss = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
        dg = torch.autograd.grad(g_loss, [p["generator"]], retain_graph=True)
        dd = torch.autograd.grad(d_loss, [p["first"], p["last"]])
        p["generator"].grad, (p["first"].grad, p["last"].grad) = dg[0], dd
        g.step()
        d.step()
        losses.append([g_loss.item(), d_loss.item()])
    return {
        "start": moved(values), "mean": mean.tolist(), "variance": variance.tolist(),
        "noise": noise.flatten().tolist(), "real": real.flatten().tolist(), "end": moved(p), "losses": losses,
    }


def two_heads():
    """Two losses train one trunk together, and each its own head; rates differ."""
    values = start({"trunk": (3, 4), "left": (4, 2), "right": (4, 1)})
    x, a, b = rand(6, 3, scale=1), rand(6, 2, scale=1), rand(6, 1, scale=1)
    p = leaves(values)
    first = torch.optim.AdamW([p["trunk"], p["left"]], lr=1e-2, weight_decay=0.01)
    second = torch.optim.SGD([p["right"]], lr=5e-2)
    losses = []
    for _ in range(STEPS):
        h = torch.tanh(x @ p["trunk"])
        left, right = ((h @ p["left"] - a) ** 2).mean(), ((h @ p["right"] - b) ** 2).mean()
        first.zero_grad()
        second.zero_grad()
        (left + right).backward()
        first.step()
        second.step()
        losses.append([left.item(), right.item()])
    return {
        "start": moved(values), "x": x.flatten().tolist(), "a": a.flatten().tolist(),
        "b": b.flatten().tolist(), "end": moved(p), "losses": losses,
    }


def distillation():
    """A student learns the labels and a frozen teacher's softened classes: Hinton et al., 2015, temperature 2."""
    values = start({"teacher": (3, 4), "student": (3, 4)})
    x, labels, t = rand(6, 3, scale=1), torch.tensor([0, 1, 2, 3, 1, 2]), 2.0
    p = leaves(values)
    optimizer = torch.optim.Adam([p["student"]], lr=2e-2)
    losses = []
    for _ in range(STEPS):
        logits, soft = x @ p["student"], torch.softmax(x @ p["teacher"].detach() / t, dim=1)
        hard = torch.nn.functional.cross_entropy(logits, labels)
        near = -(soft * torch.log_softmax(logits / t, dim=1)).sum(dim=1).mean() * t * t
        loss = 0.5 * hard + 0.5 * near
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append([loss.item()])
    return {
        "start": moved(values), "x": x.flatten().tolist(), "labels": labels.tolist(), "end": moved(p),
        "losses": losses,
    }


result = {f.__name__: f() for f in (actor_critic, gan, two_heads, distillation)}
Path(__file__).with_name("objectives.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
