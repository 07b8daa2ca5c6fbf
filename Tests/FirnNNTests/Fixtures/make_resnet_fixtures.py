"""Makes resnet18.json: torchvision's ResNet-18 for ten classes on two images of 64 by 64.

    pip install numpy torch torchvision
    python make_resnet_fixtures.py

Weights and images come from a hash of name and position that both sides compute, so eleven million numbers need not be
stored. Logits, loss and gradients are in float64, in training mode; of every gradient the norm, the largest element and
some elements picked by hash; `f32` is by how much PyTorch's own gradients in float32 are off, relative to the largest
element of each. The frozen runs are three steps of SGD by one rate, frozen modules in evaluation mode (Firn's
default) or everything in train mode (`keepingTrainingMode:`).
"""

import json
from pathlib import Path

import numpy as np
import torch
from torchvision import models

BATCH, SIZE, CLASSES, PICKED, RATE = 2, 64, 10, 100, 0.001
LEAVES = {"running_mean": "moving_mean", "running_var": "moving_variance"}


def mixed(x):
    """A bijection of 32 bits (Wellons' lowbias32)."""
    x = x.astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def key(name):
    """FNV-1a."""
    result = 2166136261
    for byte in name.encode():
        result = ((result ^ byte) * 16777619) & 0xFFFFFFFF
    return np.uint32(result)


def unit(name, count):
    """Numbers on [-0.5, 0.5), exact in float32."""
    words = mixed(np.arange(count, dtype=np.uint32) + key(name))
    return (words >> np.uint32(8)).astype(np.float64) / 2**24 - 0.5


def firn_name(model, label):
    path, leaf = label.rpartition(".")[::2]
    norm = isinstance(model.get_submodule(path), torch.nn.BatchNorm2d)
    leaf = LEAVES.get(leaf) or {"weight": "gamma" if norm else "kernel", "bias": "beta" if norm else "bias"}[leaf]
    return (path + "." + leaf).replace(".", "/")


def to_firn(array):
    """Kernels from OIHW to HWIO, matrices from [out, in] to [in, out]."""
    array = np.asarray(array)
    return array.transpose({4: (2, 3, 1, 0), 2: (1, 0)}.get(array.ndim, range(array.ndim)))


def from_firn(values, shape):
    """The inverse, of a flat array."""
    if len(shape) == 4:
        return values.reshape([shape[2], shape[3], shape[1], shape[0]]).transpose(3, 2, 0, 1)
    return values.reshape(shape[::-1]).T if len(shape) == 2 else values


def value(name, shape):
    """A variable's first value: kernels with about the variance that keeps activations'."""
    count = int(np.prod(shape))
    u, leaf = unit(name, count), name.rpartition("/")[2]
    if leaf == "kernel":
        fan = count // shape[0]
        u = u * 2.0 ** round(np.log2(np.sqrt(24 / fan)))
    elif leaf in ("gamma", "moving_variance"):
        u = 1 + u / 2
    else:
        u = u / 4
    return from_firn(u, shape)


def built():
    model = models.resnet18(num_classes=CLASSES)
    state = model.state_dict()
    for label, tensor in state.items():
        if not label.endswith("num_batches_tracked"):
            state[label] = torch.tensor(np.ascontiguousarray(value(firn_name(model, label), tuple(tensor.shape))))
    model = model.double()
    model.load_state_dict(state)
    return model


def loss_of(model, dtype=torch.float64):
    images = torch.tensor(4 * unit("images", BATCH * SIZE * SIZE * 3).reshape(BATCH, SIZE, SIZE, 3), dtype=dtype)
    logits = model(images.permute(0, 3, 1, 2))
    return logits, torch.nn.functional.cross_entropy(logits, torch.tensor([3, 7]))


def sampled(name, array, count=PICKED):
    flat = to_firn(array.detach()).reshape(-1)
    places = mixed(np.arange(count, dtype=np.uint32) + key(name + "?")) % np.uint32(flat.size)
    return {
        "norm": float(np.sqrt((flat**2).sum())),
        "largest": float(np.abs(flat).max()),
        "values": flat[places.astype(np.int64)].tolist(),
    }


def everything(model):
    return {
        firn_name(model, label): sampled(firn_name(model, label), tensor, 8)
        for label, tensor in model.state_dict().items()
        if not label.endswith("num_batches_tracked")
    }


def stepped(frozen, keeps_training_mode):
    """Three steps with these modules frozen; the loss before each, and all values after."""
    model = built()
    model.train()
    for module in frozen(model):
        module.requires_grad_(False)
        if not keeps_training_mode:
            module.eval()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=RATE)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = loss_of(model)[1]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses, "variables": everything(model)}


FREEZES = {
    "!fc": lambda model: [child for label, child in model.named_children() if label != "fc"],
    "layer1 | layer3": lambda model: [model.layer1, model.layer3],
    "first(4, .)": lambda model: [model.conv1, model.bn1, model.layer1, model.layer2],
}

torch.set_num_threads(1)
model = built()
model.train()
logits, loss = loss_of(model)
loss.backward()
single = built().float()
single.train()
loss_of(single, torch.float32)[1].backward()
result = {
    "f32": max(
        float((a.grad - b.grad).abs().max() / a.grad.abs().max())
        for a, b in zip(model.parameters(), single.parameters())
    ),
    "logits": logits.detach().reshape(-1).tolist(),
    "loss": loss.item(),
    "gradients": {
        firn_name(model, label): sampled(firn_name(model, label), parameter.grad)
        for label, parameter in model.named_parameters()
    },
    "runs": [
        {"freezing": text, "keepsTrainingMode": keeps} | stepped(frozen, keeps)
        for text, frozen in FREEZES.items()
        for keeps in (False, True)
    ],
}
model = built().eval()
result["inference"] = loss_of(model)[0].detach().reshape(-1).tolist()
text = json.dumps(result, separators=(",", ":")).replace('},"', '},\n"')
(Path(__file__).parent / "resnet18.json").write_text(text + "\n")
