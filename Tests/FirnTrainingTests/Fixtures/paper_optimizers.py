"""Optimisers that PyTorch has not, as their papers have them."""

import torch


class Lion(torch.optim.Optimizer):
    """Chen et al., NeurIPS 2023, algorithm 2."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            a, b = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = a * m + (1 - a) * p.grad
                p.sub_(group["lr"] * (torch.sign(c) + group["weight_decay"] * p))
                m.mul_(b).add_(p.grad, alpha=1 - b)


class LAMB(torch.optim.Optimizer):
    """You et al., ICLR 2020, algorithm 2, with the identity as phi."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            a, b = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["t"] += 1
                m, v, t = state["m"], state["v"], state["t"]
                m.mul_(a).add_(p.grad, alpha=1 - a)
                v.mul_(b).add_(p.grad**2, alpha=1 - b)
                r = (m / (1 - a**t)) / ((v / (1 - b**t)).sqrt() + group["eps"]) + group["weight_decay"] * p
                weight, length = p.norm(), r.norm()
                ratio = weight / length if weight > 0 and length > 0 else 1.0
                p.sub_(group["lr"] * ratio * r)
