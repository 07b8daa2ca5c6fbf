"""Makes models.json: what torchvision's models hold, and how much each of three freezes trains.

    pip install numpy torch torchvision
    python make_model_fixtures.py

Nothing is downloaded: only names, shapes and order count. Variables are named as Firn has them, the tensors of the state
dictionary as torchvision does.
"""

import json
from pathlib import Path

import torch
from torchvision import models

LEAVES = {"running_mean": "moving_mean", "running_var": "moving_variance"}


def firn_name(model, key):
    path, leaf = key.rpartition(".")[::2]
    if leaf in LEAVES:
        leaf = LEAVES[leaf]
    elif isinstance(model.get_submodule(path), torch.nn.BatchNorm2d):
        leaf = {"weight": "gamma", "bias": "beta"}[leaf]
    else:
        leaf = {"weight": "kernel", "bias": "bias"}[leaf]
    return (path + "." + leaf).replace(".", "/")


def holders(model):
    """Children with parameters: Firn counts no others."""
    return [child for child in model.children() if next(child.parameters(), None) is not None]


def trained(model, frozen):
    """Tensors and elements that stay trainable where the parameters of `frozen` are not."""
    held = {id(parameter) for module in frozen for parameter in module.parameters()}
    left = [parameter for parameter in model.parameters() if id(parameter) not in held]
    return [len(left), sum(parameter.numel() for parameter in left)]


def freezes(name, model):
    if name == "resnet18":
        rest = [child for label, child in model.named_children() if label != "fc"]
        return {
            "!fc": trained(model, rest),
            "conv1 | bn1 | layer1 | layer2": trained(
                model, [model.conv1, model.bn1, model.layer1, model.layer2]
            ),
            "first(4, .)": trained(model, holders(model)[:4]),
            "layer1 | layer3": trained(model, [model.layer1, model.layer3]),
        }
    rest = [model.features] + holders(model.classifier)[:-1]
    head = {"vgg16": "!classifier/6", "mobilenet_v2": "!classifier/1"}[name]
    named = {"vgg16": [0, 2, 5, 7], "mobilenet_v2": [0, 1, 2, 17]}[name]
    return {
        head: trained(model, rest),
        " | ".join(f"features/{place}" for place in named): trained(
            model, [model.features[place] for place in named]
        ),
        "first(5, features)": trained(model, holders(model.features)[:5]),
    }


cases = []
for name in ["resnet18", "resnet34", "resnet50", "vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "mobilenet_v2"]:
    with torch.device("meta"):
        model = getattr(models, name)()
    tensors = [
        [firn_name(model, key), value.numel()]
        for key, value in model.state_dict().items()
        if not key.endswith("num_batches_tracked")
    ]
    state = [[key, list(value.shape)] for key, value in model.state_dict().items()]
    case = {"name": name, "variables": tensors, "freezes": {}, "state_dict": state}
    if name in ("resnet18", "vgg16", "mobilenet_v2"):
        case["freezes"] = freezes(name, model)
    cases.append(case)
text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
(Path(__file__).parent / "models.json").write_text("[\n" + text + "\n]\n")
