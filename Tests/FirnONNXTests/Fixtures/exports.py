"""Writes models that PyTorch exports to ONNX, by both of its exporters, with inputs and outputs of PyTorch's own.

    python exports.py FOLDER            all models
    python exports.py FOLDER --small    the stored ones
    python exports.py FOLDER --large    ResNet-18, VGG-11's convolutions, MobileNetV2 and a DenseNet-121 of full width too

Beside each `NAME.onnx` lies `NAME.npz` with `input_0`, `output_0`, and for some `losses`, those of five steps with part frozen.
FIRN_ONNX_EXPORTS=FOLDER makes the tests read them. Written with torch 2.15 and onnx 1.23.2.
"""

import copy
import itertools
import os
import sys
import warnings

import numpy
import onnx
import torch
import torchvision
from torch import nn

warnings.simplefilter("ignore")


class Block(nn.Module):
    def __init__(self, before, after, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """torchvision's ResNet-18, and the same of fewer channels and stages."""

    def __init__(self, widths=(64, 128, 256, 512), blocks=2, classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        before = widths[0]
        for number, width in enumerate(widths):
            layers = [Block(before if i == 0 else width, width, 2 if i == 0 and number > 0 else 1) for i in range(blocks)]
            setattr(self, f"layer{number + 1}", nn.Sequential(*layers))
            before = width
        self.stages = len(widths)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(before, classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for number in range(self.stages):
            x = getattr(self, f"layer{number + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class VGG(nn.Module):
    """torchvision's VGG-11, narrower."""

    def __init__(self, scale=8):
        super().__init__()
        layers, before = [], 3
        for width in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(before, width // scale, 3, padding=1), nn.ReLU(True)]
                before = width // scale
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(before, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Inverted(nn.Module):
    def __init__(self, before, after, stride, expand):
        super().__init__()
        inner = before * expand
        self.conv = nn.Sequential(
            nn.Conv2d(before, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(),
            nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(),
            nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after))
        self.adds = stride == 1 and before == after

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNet(nn.Module):
    """MobileNetV2's blocks, fewer of them."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), Inverted(8, 8, 1, 2),
            Inverted(8, 16, 2, 2), Inverted(16, 16, 1, 2))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class UNet(nn.Module):
    """Down, across and up again by transposed convolutions, with skips."""

    def __init__(self):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.down2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU())
        self.middle = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.up2 = nn.ConvTranspose2d(8, 8, 2, 2)
        self.merge2 = nn.Sequential(nn.Conv2d(16, 4, 3, padding=1), nn.ReLU())
        self.up1 = nn.ConvTranspose2d(4, 4, 3, 2, 1, 1)
        self.merge1 = nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(a)
        y = self.up2(self.middle(b))
        y = self.up1(self.merge2(torch.cat([y, b], 1)))
        return self.merge1(torch.cat([y, a], 1))


class Norms(nn.Module):
    """Norms that exporters take apart, or write with weights that the module has not."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, 2, 1)
        self.g = nn.GroupNorm(2, 8)
        self.n = nn.InstanceNorm2d(8)
        self.i = nn.InstanceNorm2d(8, affine=True)
        self.fc = nn.Linear(8, 5)
        for parameter in (self.g.weight, self.g.bias, self.i.weight, self.i.bias):
            nn.init.uniform_(parameter, 0.5, 1.5)

    def forward(self, x):
        x = torch.relu(self.g(self.a(x)))
        return self.fc(torch.relu(self.i(self.n(x) + x)).mean([2, 3]))


class Recurrent(nn.Module):
    """A recurrent network and its last output, classified."""

    def __init__(self, kind, units=5, **options):
        super().__init__()
        self.rnn = kind(6, units, batch_first=True, **options)
        self.fc = nn.Linear(units * (2 if options.get("bidirectional") else 1), 3)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.fc(y[:, -1])


class Classifier(nn.Module):
    """An embedding, an LSTM, a linear layer."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 5, batch_first=True)
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        y, _ = self.lstm(self.embedding(x))
        return self.fc(y[:, -1])


class Transformer(nn.Module):
    """Two layers of an encoder over an embedding."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.encoder(self.embedding(x)).mean(1))


class Dense(nn.Module):
    """A layer of a DenseNet: what it makes is put behind what it read."""

    def __init__(self, before, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv1(torch.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(torch.relu(self.norm2(y)))], 1)


class DenseNet(nn.Module):
    """torchvision's DenseNet-121."""

    def __init__(self, growth=32, blocks=(6, 12, 24, 16), classes=1000):
        super().__init__()
        width = 2 * growth
        layers = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        for number, count in enumerate(blocks):
            for _ in range(count):
                layers.append(Dense(width, growth))
                width += growth
            if number < len(blocks) - 1:
                layers += [
                    nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)]
                width //= 2
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU())
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


def models():
    image = torch.randn(2, 3, 32, 32)
    sequence = torch.randn(3, 7, 6)
    words = torch.randint(0, 20, (3, 7))
    yield "resnet", ResNet((4, 8), 2, 5), image
    yield "vgg", VGG(), image
    yield "mobilenet", MobileNet(), image
    yield "unet", UNet(), torch.randn(2, 1, 16, 16)
    yield "norms", Norms(), torch.randn(2, 3, 8, 8)
    yield "lstm2", Recurrent(nn.LSTM, num_layers=2, bidirectional=True), sequence
    yield "gru", Recurrent(nn.GRU), sequence
    yield "classifier", Classifier(), words
    yield "transformer", Transformer(), words


def large():
    """Of full width, on images large enough for all of their strides."""
    image = torch.randn(2, 3, 64, 64)
    yield "resnet18", torchvision.models.resnet18(), image
    yield "vgg11", VGG(1), image
    yield "mobilenetv2", torchvision.models.mobilenet_v2(num_classes=10), torch.randn(8, 3, 64, 64)
    yield "mobilenetv2d", torchvision.models.mobilenet_v2(num_classes=10).double(), image.double()
    yield "lstm128", Recurrent(nn.LSTM, units=128, num_layers=2, bidirectional=True), torch.randn(3, 30, 6)
    yield "gru128", Recurrent(nn.GRU, units=128), torch.randn(3, 30, 6)


STORED = {
    "resnet_script", "resnet_dynamo", "unet_script", "norms_script", "norms_dynamo", "lstm2_script", "gru_dynamo", "classifier_dynamo",
    "transformer_script"}

# Models whose batch norms have the averages of what they are fed, as after training: of others what is behind frozen ones
# hardly depends on the input.
CALIBRATED = {"mobilenetv2", "mobilenetv2d"}

# Models in f64, written by the older exporter alone.
DOUBLE = {"mobilenetv2d"}

# Modules that are frozen, and in inference mode, in five steps of training; those with a dropout among them.
FROZEN = {
    "resnet18": ["conv1", "bn1", "layer1", "layer2"], "vgg": ["features.0", "classifier"],
    "vgg11": ["features.0", "features.3", "classifier"], "mobilenet": ["features.3", "classifier"],
    # Steps through more batch norms of few pixels, and ReLU6s behind them, are PyTorch's own no more in f32: where 15 to 17
    # blocks are frozen its losses differ by up to 4e-3 from those in f64, and by as much with and without oneDNN's kernels.
    "mobilenetv2": [f"features.{i}" for i in range(18)] + ["classifier"],
    "mobilenetv2d": [f"features.{i}" for i in range(10)] + ["classifier"],
    "lstm128": ["fc"], "gru128": ["fc"],
    "norms": ["a"],
    "resnet": ["conv1", "bn1", "layer1"], "unet": ["down1", "down2"], "lstm2": ["fc"], "gru": ["fc"],
    "classifier": ["embedding"], "transformer": ["embedding", "encoder.layers.0"]}


def losses(name, model, x):
    """Of five steps of SGD towards an output of 0, the frozen modules held."""
    model = copy.deepcopy(model).train()
    for frozen in FROZEN[name]:
        model.get_submodule(frozen).eval().requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    result = []
    for _ in range(5):
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return numpy.array(result, numpy.float64 if name in DOUBLE else numpy.float32)


def calibrate(model, x):
    """Gives batch norms the averages over a few batches."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    model.train()
    for _ in range(4):
        model(torch.randn(16, *x.shape[1:], dtype=x.dtype))
    for norm in norms:
        norm.momentum = 0.1
    model.eval()


def write(folder, name, model, x, dynamo):
    model.eval()
    with torch.no_grad():
        # Averages that are not those of a new model.
        kind = name.rsplit("_", 1)[0]
        if kind in CALIBRATED:
            calibrate(model, x)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d) and kind not in CALIBRATED:
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 1.5)
        y = model(x)
    path = os.path.join(folder, name + ".onnx")
    if dynamo:
        options = dict(dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False)
    else:
        # Batch norms and dropouts stay what they are.
        options = dict(
            dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
            training=torch.onnx.TrainingMode.PRESERVE)
    torch.onnx.export(
        model, (x,), path, input_names=["input"], output_names=["output"], dynamo=dynamo, verbose=False, **options)
    # Where a node was written in this file is nothing to a reader, and names folders.
    written = onnx.load(path)
    for node in written.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(written, path)
    values = dict(input_0=x.numpy(), output_0=y.numpy())
    if kind in FROZEN:
        values["losses"] = losses(kind, model, x)
    numpy.savez(os.path.join(folder, name + ".npz"), **values)


if __name__ == "__main__":
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    large_ones = large() if "--large" in sys.argv else []
    for name, model, x in itertools.chain(models(), large_ones):
        for dynamo in (False, True):
            torch.manual_seed(1)
            full = name + ("_dynamo" if dynamo else "_script")
            if "--small" in sys.argv and full not in STORED or dynamo and name in DOUBLE:
                continue
            try:
                write(folder, full, model, x, dynamo)
                print(full, os.path.getsize(os.path.join(folder, full + ".onnx")))
            except Exception as error:  # the next model may still be exported
                print(full, "failed:", str(error).split("\n")[0][:200])
    if "--large" in sys.argv:
        torch.manual_seed(1)
        write(folder, "densenet121_script", DenseNet(), torch.randn(1, 3, 64, 64), False)
