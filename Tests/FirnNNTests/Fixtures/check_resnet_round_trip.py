"""torchvision's ResNet-18 to Firn and back: the same bits of weights, the same outputs.

    pip install numpy torch torchvision
    python check_resnet_round_trip.py FOLDER write
    FIRN_WRITTEN=FOLDER swift test -c release -Xswiftc -enable-testing --filter ResNetRoundTripTests
    python check_resnet_round_trip.py FOLDER check
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torchvision import models

folder = Path(sys.argv[1])
if sys.argv[2] == "write":
    torch.manual_seed(11)
    model = models.resnet18()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.2, 0.2)
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), folder / "resnet18-torch.pth")
    images = np.random.default_rng(12).normal(size=(2, 64, 64, 3)).astype("f4")
    np.save(folder / "images.npy", images)
else:
    original = torch.load(folder / "resnet18-torch.pth", weights_only=True)
    written = torch.load(folder / "resnet18.pth", weights_only=True)
    counts = {name for name in original if name.endswith("num_batches_tracked")}
    assert written.keys() == original.keys() - counts
    for name, tensor in written.items():
        assert tensor.dtype == original[name].dtype, name
        assert torch.equal(tensor.contiguous().view(torch.int32), original[name].contiguous().view(torch.int32)), name
    images = torch.tensor(np.load(folder / "images.npy").transpose(0, 3, 1, 2).copy())
    outputs = []
    for weights in original, written:
        model = models.resnet18().eval()
        left = model.load_state_dict(weights, strict=False)
        assert not left.unexpected_keys and set(left.missing_keys) <= counts
        with torch.no_grad():
            outputs.append(model(images))
    assert torch.equal(*outputs)
    mine = torch.tensor(np.load(folder / "logits.npy"))
    worst = (mine - outputs[0]).abs().max().item() / outputs[0].abs().max().item()
    assert worst < 1e-4, worst
    print(f"{len(written)} tensors of equal bits, equal outputs in PyTorch; Firn's differ by at most {worst:.1e} of the largest")
