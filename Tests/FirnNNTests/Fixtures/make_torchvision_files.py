"""Makes files of weights as torchvision saves them, and what its models then say of an image.

    pip install numpy torch torchvision safetensors
    python make_torchvision_files.py FOLDER
    FIRN_TORCHVISION=FOLDER swift test -c release --filter TorchvisionFilesTests

Nothing is downloaded: weights are drawn, statistics of batch norms too, so that none is where it starts. For each model
there are `NAME.pt` (`torch.save` of the state dictionary), `NAME.safetensors`, and `NAME.expected.safetensors` with one
image, channels last, and its logits in evaluation mode. About 2.5 GB in all, which is why the folder is not kept here.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision import models

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in ["resnet18", "resnet50", "vgg11_bn", "vgg16", "mobilenet_v2"]:
    torch.manual_seed(1)
    model = getattr(models, name)().eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.75, 1.25)
            torch.nn.init.uniform_(module.bias, -0.25, 0.25)
            torch.nn.init.uniform_(module.running_mean, -0.25, 0.25)
            torch.nn.init.uniform_(module.running_var, 0.75, 1.25)
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        logits = model(image)
    state = model.state_dict()
    torch.save(state, folder / f"{name}.pt")
    save_file(state, folder / f"{name}.safetensors")
    expected = {"image": image.permute(0, 2, 3, 1).contiguous(), "logits": logits}
    save_file(expected, folder / f"{name}.expected.safetensors")
    print(name, float(logits.abs().max()))
