"""What PyTorch saves for the backward pass where layers in the middle of a trained network are frozen.

    python make_kept_fixtures.py

writes kept.json: bytes of saved tensors, each storage counted once, parameters, buffers and what is fed not at all.
"""

import json
import pathlib

import torch
import torchvision


def saved_bytes(model, feed, run):
    """Bytes of the storages that `run` saves, besides those of the model's parameters and buffers and of `feed`."""
    storages = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = (storage.nbytes(), storage)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = run()
    for held in [*model.parameters(), *model.buffers(), feed]:
        storages.pop(held.untyped_storage().data_ptr(), None)
    loss.backward()
    return sum(size for size, _ in storages.values())


def freeze(*modules):
    """Frozen as users do: no gradient, and batch norms that use their averages."""
    for module in modules:
        module.eval()
        for parameter in module.parameters():
            parameter.requires_grad_(False)


class Stack(torch.nn.Module):
    def __init__(self, units):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.LSTM(units, units) for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x, _ = layer(x)
        return x


def main():
    torch.manual_seed(0)
    result = {"torch": torch.__version__.split("+")[0]}
    network = torchvision.models.resnet18().train()
    freeze(network.layer1, network.layer2)
    images = torch.randn(8, 3, 224, 224)
    labels = torch.zeros(8, dtype=torch.long)
    result["resnet18"] = saved_bytes(
        network, images, lambda: torch.nn.functional.cross_entropy(network(images), labels)
    )
    stack = Stack(256)
    freeze(stack.layers[1])
    sequence = torch.randn(50, 32, 256)
    result["lstm"] = saved_bytes(stack, sequence, lambda: stack(sequence).square().mean())
    path = pathlib.Path(__file__).with_name("kept.json")
    path.write_text(json.dumps(result, indent=2) + "\n")


main()
