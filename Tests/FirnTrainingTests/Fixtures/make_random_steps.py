"""Makes random_steps.json: random settings of training, and the weights that PyTorch comes to with them.

    python make_random_steps.py [SEED COUNT FILE]

The model is o = tanh(x·w1 + b1)·w2 + b2 in float64. Random are the optimiser and its numbers, groups with rates and
decays of their own, what is frozen (whole variables, or rows or columns of one), elements that are held, clipping,
windows of several runs of different sizes that end early, objectives (one for all, or one for each layer) and the runs
that they take part in. Settings that Firn refuses are none of them: each trains something.
"""

import json
import random
import sys
from pathlib import Path

import torch

from paper_optimizers import LAMB, Lion

F64 = torch.float64
# Or the counts and products that optimisers keep would be float32.
torch.set_default_dtype(F64)
SHAPES = {"layer/w1": (3, 4), "layer/b1": (4,), "head/w2": (4, 2), "head/b2": (2,)}
RUNS = 14


def settings(rng):
    """An optimiser: its name, and what PyTorch and Firn call its numbers."""
    rate = rng.choice([0.3, 0.1, 0.03, 0.01])
    decay = rng.choice([0.0, 0.01, 0.1])
    beta = rng.choice([0.0, 0.5, 0.9])
    beta2 = rng.choice([0.9, 0.99, 0.999])
    eps = rng.choice([1e-8, 1e-5, 1e-3])
    name = rng.choice(
        ["sgd", "sgd", "adam", "adamw", "amsgrad", "nadam", "nadamw", "rmsprop", "centred", "adagrad", "adadelta",
         "lion", "lamb"])
    made = {"name": name, "rate": rate, "decay": decay, "exponential": rng.choice([1.0, 1.0, 0.8])}
    if name == "sgd":
        momentum = rng.choice([0.0, 0.5, 0.9])
        nesterov = momentum > 0 and rng.random() < 0.4
        made |= {"momentum": momentum, "nesterov": nesterov,
                 "dampening": 0.0 if nesterov or momentum == 0 else rng.choice([0.0, 0.3])}
    elif name in ("adam", "adamw", "amsgrad", "nadam", "nadamw", "lion", "lamb"):
        made |= {"beta1": beta, "beta2": beta2, "eps": eps}
        if name == "lion":
            made["rate"] = rate / 10
    elif name in ("rmsprop", "centred"):
        made |= {"smoothing": beta2, "eps": eps, "momentum": rng.choice([0.0, 0.5])}
        made["rate"] = rate / 10
    elif name == "adagrad":
        made |= {"rateDecay": rng.choice([0.0, 0.05]), "initialSum": rng.choice([0.0, 0.1]), "eps": eps}
    elif name == "adadelta":
        made |= {"smoothing": rng.choice([0.8, 0.9]), "eps": rng.choice([1e-6, 1e-4])}
        made["rate"] = 1.0
    return made


def optimizer(made, groups):
    o, name = torch.optim, made["name"]
    betas = (made.get("beta1"), made.get("beta2"))
    eps = made.get("eps")
    return {
        "sgd": lambda: o.SGD(groups, lr=1, momentum=made["momentum"], nesterov=made["nesterov"],
                             dampening=made["dampening"]),
        "adam": lambda: o.Adam(groups, betas=betas, eps=eps),
        "adamw": lambda: o.AdamW(groups, betas=betas, eps=eps),
        "amsgrad": lambda: o.Adam(groups, betas=betas, eps=eps, amsgrad=True),
        "nadam": lambda: o.NAdam(groups, betas=betas, eps=eps),
        "nadamw": lambda: o.NAdam(groups, betas=betas, eps=eps, decoupled_weight_decay=True),
        "rmsprop": lambda: o.RMSprop(groups, alpha=made["smoothing"], eps=eps, momentum=made["momentum"]),
        "centred": lambda: o.RMSprop(groups, alpha=made["smoothing"], eps=eps, momentum=made["momentum"],
                                     centered=True),
        "adagrad": lambda: o.Adagrad(groups, lr_decay=made["rateDecay"], eps=eps,
                                     initial_accumulator_value=made["initialSum"]),
        "adadelta": lambda: o.Adadelta(groups, rho=made["smoothing"], eps=eps),
        "lion": lambda: Lion(groups, betas=betas),
        "lamb": lambda: LAMB(groups, betas=betas, eps=eps),
    }[name]()


def objective(rng, loss, selection):
    groups = []
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        rate = rng.choice([{"times": rng.choice([0.1, 0.5, 2.0])}, {"fixed": rng.choice([0.001, 0.05])}, {}])
        decay = {} if rate and rng.random() < 0.5 else {"decay": rng.choice([0.0, 0.05])}
        groups.append({"of": rng.sample(selection, rng.randint(1, len(selection)))} | rate | decay)
    clipping = rng.choice([None, None, ["value", 0.1], ["norm", 0.3], ["globalNorm", 0.4]])
    return {
        "loss": loss, "of": selection, "optimizer": settings(rng), "groups": groups, "clipping": clipping,
        "accumulating": rng.choice([1, 1, 2, 3, 4]), "weighted": rng.random() < 0.7,
        "closed": rng.random() < 0.7, "every": rng.choice([1, 1, 1, 2, 3])}


def case(rng):
    names = list(SHAPES)
    # Frozen whole, or by [axis, from, to].
    frozen = {}
    for name in rng.sample(names, rng.choice([0, 1, 1, 2])):
        block = None
        if rng.random() < 0.6:
            axis = rng.randrange(len(SHAPES[name]))
            extent = SHAPES[name][axis]
            start = rng.randrange(extent)
            end = rng.randint(start + 1, extent)
            if end - start < extent:
                block = [axis, start, end]
        frozen[name] = block
    whole = {name for name, block in frozen.items() if block is None}
    split = rng.random() < 0.35 and all(
        any(name.startswith(scope) and name not in whole for name in names) for scope in ("layer", "head"))
    if split:
        objectives = [objective(rng, "first", names[:2]), objective(rng, "second", names[2:])]
    else:
        objectives = [objective(rng, rng.choice(["first", "second"]), names)]
    holding = {}
    for name in names:
        # What is frozen in part has no mask; a norm over a variable would see what is held.
        usesNorms = any(name in o["of"] and o["optimizer"]["name"] == "lamb" for o in objectives)
        if name not in frozen and not usesNorms and len(holding) < 2 and rng.random() < 0.25:
            count = torch.Size(SHAPES[name]).numel()
            holding[name] = [rng.random() < 0.4 for _ in range(count)]
    runs = [{"rows": rng.randint(1, 5), "closes": rng.random() < 0.2} for _ in range(RUNS)]

    def numbers(shape, scale):
        return [round(rng.gauss(0, scale), 3) for _ in range(torch.Size(shape).numel())]

    total = sum(run["rows"] for run in runs)
    return {
        "objectives": objectives, "frozen": frozen, "holding": holding, "runs": runs,
        "start": {name: numbers(shape, 0.5) for name, shape in SHAPES.items()},
        "x": numbers((total, 3), 1), "t": numbers((total, 2), 1)}


class Parts:
    """A variable in parts along one axis, those that are trained apart from the one that is not."""

    def __init__(self, values, shape, frozen, block, mask):
        value = torch.tensor(values, dtype=F64).reshape(shape)
        self.axis, start, end = block or (0, 0, shape[0])
        extent = shape[self.axis]
        cuts = [(0, start, True), (start, end, False), (end, extent, True)] if frozen else [(0, extent, True)]
        held = torch.zeros(shape, dtype=torch.bool) if mask is None else torch.tensor(mask).reshape(shape)
        self.parts, self.trained, self.masks = [], [], []
        for first, last, isTrained in cuts:
            if last <= first:
                continue
            part = value.narrow(self.axis, first, last - first).clone()
            isTrained = isTrained and not (frozen and block is None)
            if isTrained:
                part.requires_grad_()
                self.trained.append(part)
                self.masks.append(held.narrow(self.axis, first, last - first))
            self.parts.append(part)

    @property
    def value(self):
        return torch.cat(self.parts, self.axis)


def trained(case):
    variables = {
        name: Parts(case["start"][name], shape, name in case["frozen"], case["frozen"].get(name),
                    case["holding"].get(name))
        for name, shape in SHAPES.items()}
    x = torch.tensor(case["x"], dtype=F64).reshape(-1, 3)
    t = torch.tensor(case["t"], dtype=F64).reshape(-1, 2)
    states = []
    for o in case["objectives"]:
        parts, masks, groups = [], [], []
        for name in o["of"]:
            rate, decay, isFixed = o["optimizer"]["rate"], o["optimizer"]["decay"], False
            for group in o["groups"]:
                if name in group["of"]:
                    if "times" in group:
                        rate, isFixed = o["optimizer"]["rate"] * group["times"], False
                    if "fixed" in group:
                        rate, isFixed = group["fixed"], True
                    decay = group.get("decay", decay)
            for part, mask in zip(variables[name].trained, variables[name].masks):
                parts.append(part)
                masks.append(mask)
                groups.append({"params": [part], "lr": rate, "weight_decay": decay, "base": rate, "fixed": isFixed})
        states.append({"parts": parts, "masks": masks, "optimizer": optimizer(o["optimizer"], groups), "runs": 0,
                       "sums": None, "weight": 0.0, "count": 0, "steps": 0})
    start = 0
    for number, run in enumerate(case["runs"]):
        rows = slice(start, start + run["rows"])
        start += run["rows"]
        made = []
        for o, state in zip(case["objectives"], states):
            out = torch.tanh(x[rows] @ variables["layer/w1"].value + variables["layer/b1"].value)
            out = out @ variables["head/w2"].value + variables["head/b2"].value
            error = (out - t[rows]) if o["loss"] == "first" else (torch.tanh(out) - 0.3 * t[rows])
            made.append(torch.autograd.grad(error.square().mean(), state["parts"]))
        for o, state, gradients in zip(case["objectives"], states, made):
            if (number + 1) % o["every"]:
                continue
            weight = float(run["rows"]) if o["weighted"] else 1.0
            gradients = [weight * g for g in gradients]
            state["sums"] = (
                gradients if state["sums"] is None else [a + b for a, b in zip(state["sums"], gradients)])
            state["weight"] += weight
            state["count"] += 1
            if state["count"] < o["accumulating"] and not (o["closed"] and run["closes"]):
                continue
            with torch.no_grad():
                kept = [part.clone() for part in state["parts"]]
                for part, mask, total in zip(state["parts"], state["masks"], state["sums"]):
                    part.grad = torch.where(mask, 0.0, total / state["weight"])
                form, bound = o["clipping"] or (None, None)
                if form == "value":
                    torch.nn.utils.clip_grad_value_(state["parts"], bound)
                elif form == "norm":
                    for part in state["parts"]:
                        part.grad *= min(bound / max(part.grad.norm().item(), 1e-12), 1)
                elif form == "globalNorm":
                    # As clip_grad_norm_ does, but for the 1e-6 that it adds to the norm.
                    norm = torch.stack([part.grad.norm() for part in state["parts"]]).norm().item()
                    for part in state["parts"]:
                        part.grad *= min(bound / max(norm, 1e-12), 1)
                for group in state["optimizer"].param_groups:
                    factor = 1 if group["fixed"] else o["optimizer"]["exponential"] ** state["steps"]
                    group["lr"] = group["base"] * factor
                state["optimizer"].step()
                for part, mask, before in zip(state["parts"], state["masks"], kept):
                    part.copy_(torch.where(mask, before, part))
            state.update(sums=None, weight=0.0, count=0, steps=state["steps"] + 1)
    return {name: variable.value.detach().flatten().tolist() for name, variable in variables.items()}


def main():
    seed, count, path = (sys.argv[1:] + [None] * 3)[:3]
    rng = random.Random(int(seed or 15))
    cases = []
    while len(cases) < int(count or 40):
        made = case(rng)
        cases.append(made | {"result": trained(made)})
    target = Path(path) if path else Path(__file__).with_name("random_steps.json")
    target.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


main()
