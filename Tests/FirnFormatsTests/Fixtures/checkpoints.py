"""Makes the checkpoints that loading and saving by maps are tested with, each by the library it comes from.

    pip install numpy torch keras tensorflow-cpu
    python checkpoints.py            makes the files in checkpoints/
    python checkpoints.py FOLDER     reads back what Firn saved to FOLDER, and compares weights and outputs

The second needs the files that tests leave there: FIRN_WRITTEN=FOLDER swift test --filter CheckpointParityTests
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import torch
from torch import nn

FILES = Path(__file__).parent / "checkpoints"


class Small(nn.Module):
    """A convolution, a batch norm and a linear layer on images; an embedding beside."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 5)
        self.embedding = nn.Embedding(6, 4)

    def forward(self, images, indices):
        features = self.bn(self.conv(images)).mean((2, 3))
        return self.fc(features + self.embedding(indices))


class Normed(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.first = norm(nn.Linear(3, 4))
        self.second = norm(nn.Conv2d(2, 3, 2))

    def forward(self, rows, images):
        return self.first(rows), self.second(images)


def counted():
    """A batch norm whose averages are those of three batches."""
    norm = nn.BatchNorm2d(4, momentum=None)
    for seed in range(3):
        norm(torch.tensor(drawn((2, 4, 3, 3), 30 + seed)))
    return norm


RECURRENT = {
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
    "lstm-projected": lambda: nn.LSTM(3, 4, num_layers=2, proj_size=2, batch_first=True),
    "lstm-unbiased": lambda: nn.LSTM(3, 4, bias=False, batch_first=True),
    "gru": lambda: nn.GRU(3, 4, num_layers=2, batch_first=True),
    "gru-both": lambda: nn.GRU(3, 4, bidirectional=True, batch_first=True),
}


def randomised(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in list(module.parameters()) + [b for b in module.buffers() if b.is_floating_point()]:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.8 + 0.1)
    return module.eval()


def drawn(shape, seed):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("f4")


def keras_model():
    import keras

    keras.utils.set_random_seed(5)
    given = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(6, 3, name="embedding")(given)
    x = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True, name="lstm"), name="bidirectional")(x)
    x = keras.layers.GRU(4, return_sequences=True, name="gru")(x)
    model = keras.Model(given, keras.layers.Dense(2, name="dense")(x))
    for number, weight in enumerate(model.weights):
        weight.assign(drawn(weight.shape, 100 + number))
    return model


def make():
    FILES.mkdir(exist_ok=True)
    arrays = {}
    small = randomised(Small(), 1)
    images, indices = drawn((2, 3, 4, 4), 2), np.array([1, 5])
    arrays["small.images"], arrays["small.indices"] = images.transpose(0, 2, 3, 1), indices.astype("i4")
    with torch.no_grad():
        arrays["small.output"] = small(torch.tensor(images), torch.tensor(indices)).numpy()
    optimizer = torch.optim.Adam(small.parameters())
    small(torch.tensor(images), torch.tensor(indices)).sum().backward()
    kept = {n: t.clone() for n, t in small.state_dict().items()}
    optimizer.step()
    small.load_state_dict(kept)
    wrapped = nn.DataParallel(small)
    torch.save({"state_dict": wrapped.state_dict(), "epoch": 3}, FILES / "parallel.pth")
    torch.save(torch.compile(small).state_dict(), FILES / "compiled.pth")
    torch.save(torch.compile(wrapped).state_dict(), FILES / "compiled-parallel.pth")
    torch.save({"net": {"generator": small.state_dict()}}, FILES / "nested.pth")
    # What Lightning's trainer saves of a module whose network is `self.model`.
    torch.save({
        "epoch": 1, "global_step": 7, "pytorch-lightning_version": "2.5.0",
        "state_dict": {f"model.{n}": t for n, t in small.state_dict().items()},
        "loops": {}, "callbacks": {}, "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [],
        "hyper_parameters": {"rate": 0.1},
    }, FILES / "lightning.ckpt")

    sequence = drawn((2, 3, 3), 3)
    arrays["sequence"] = sequence
    for number, (name, module) in enumerate(RECURRENT.items()):
        module = randomised(module(), 10 + number)
        torch.save({f"rnn.{n}": t for n, t in module.state_dict().items()}, FILES / f"{name}.pth")
        with torch.no_grad():
            arrays[f"{name}.output"] = module(torch.tensor(sequence))[0].numpy()

    rows, small_images = drawn((2, 3), 4), drawn((2, 2, 3, 3), 5)
    arrays["rows"], arrays["grids"] = rows, small_images.transpose(0, 2, 3, 1)
    for name, norm in [
        ("weight-norm-old", torch.nn.utils.weight_norm), ("weight-norm", torch.nn.utils.parametrizations.weight_norm),
    ]:
        model = randomised(Normed(norm), 20)
        torch.save(model.state_dict(), FILES / f"{name}.pth")
        with torch.no_grad():
            first, second = model(torch.tensor(rows), torch.tensor(small_images))
        arrays[f"{name}.first"], arrays[f"{name}.second"] = first.numpy(), second.numpy().transpose(0, 2, 3, 1)

    torch.save({f"bn.{n}": t for n, t in counted().state_dict().items()}, FILES / "counted.pth")
    # A class token and a grid of 4 by 4, for one of 6 by 5; and a grid of 2 by 8, for one of 3 by 3.
    positions = drawn((1, 17, 3), 40)
    grid = torch.tensor(positions[:, 1:].reshape(1, 4, 4, 3).transpose(0, 3, 1, 2))
    grid = nn.functional.interpolate(grid, size=(6, 5), mode="bicubic", align_corners=False)
    grid = grid.numpy().transpose(0, 2, 3, 1).reshape(1, 30, 3)
    arrays["positions"] = positions
    arrays["positions.resized"] = np.concatenate([positions[:, :1], grid], 1)
    flat = drawn((16, 2), 41)
    grid = torch.tensor(flat.reshape(1, 2, 8, 2).transpose(0, 3, 1, 2))
    grid = nn.functional.interpolate(grid, size=(3, 3), mode="bicubic", align_corners=False)
    arrays["flat"], arrays["flat.resized"] = flat, grid.numpy().transpose(0, 2, 3, 1).reshape(9, 2)

    model = keras_model()
    np.savez(FILES / "keras.npz", **{w.path: np.asarray(w) for w in model.weights})
    indices = np.array([[0, 1, 2, 3, 4], [5, 4, 3, 2, 1]], "i4")
    arrays["keras.indices"], arrays["keras.output"] = indices, np.asarray(model(indices))
    np.savez(FILES / "expected.npz", **{n: np.ascontiguousarray(a) for n, a in arrays.items()})


def check(folder):
    """Equal bits of weights, but for an LSTM's biases, of which only the sum comes back; equal outputs."""
    arrays = np.load(FILES / "expected.npz")
    files = [("small", Small, "parallel.pth")] + [(n, m, f"{n}.pth") for n, m in RECURRENT.items()]
    for name, module, source in files:
        written = torch.load(folder / f"{name}.pth", weights_only=True)
        assert type(written).__name__ == "OrderedDict"
        prefix = "" if name == "small" else "rnn."
        model = randomised(module(), 99)
        model.load_state_dict({n.removeprefix(prefix): t for n, t in written.items()})
        original = torch.load(FILES / source, weights_only=True)
        original = original.get("state_dict", original)
        for key, tensor in written.items():
            if not ("bias_" in key and name.startswith("lstm")):
                own = original["module." + key if name == "small" else key]
                assert torch.equal(tensor, own), key
        with torch.no_grad():
            if name == "small":
                images = torch.tensor(arrays["small.images"].transpose(0, 3, 1, 2).copy())
                output = model(images, torch.tensor(arrays["small.indices"]).long())
            else:
                output = model(torch.tensor(arrays["sequence"]))[0]
        expected = torch.tensor(arrays[f"{name}.output"])
        worst = (output - expected).abs().max().item()
        exact = not (name.startswith("lstm") and name != "lstm-unbiased")
        assert torch.equal(output, expected) if exact else worst < 1e-6, (name, worst)
        print(f"{name}.pth: {len(written)} tensors, largest difference of outputs {worst}")
    written = torch.load(folder / "counted.pth", weights_only=True)
    norm, original = nn.BatchNorm2d(4, momentum=None), counted()
    norm.load_state_dict({n.removeprefix("bn."): t for n, t in written.items()})
    for name, tensor in original.state_dict().items():
        assert tensor.dtype == written["bn." + name].dtype and torch.equal(tensor, written["bn." + name]), name
    batch = torch.tensor(drawn((2, 4, 3, 3), 33))
    assert torch.equal(norm(batch), original(batch)) and torch.equal(norm.running_mean, original.running_mean)
    print(f"counted.pth: {len(written)} tensors, the next batch moves the same averages")
    model = keras_model()
    written = np.load(folder / "keras.npz")
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape, "f4"))
    for weight in model.weights:
        weight.assign(written[weight.path])
    output = np.asarray(model(arrays["keras.indices"]))
    assert np.array_equal(output, arrays["keras.output"])
    print(f"keras.npz: {len(written.files)} arrays, outputs equal")
    # Types that came after typed storages, and a scalar.
    written = torch.load(folder / "types.pth", weights_only=True)
    for name, tensor in written.items():
        kind = {"f16": torch.float16, "bf16": torch.bfloat16, "u16": torch.uint16, "f8e4m3": torch.float8_e4m3fn,
                "i64": torch.int64, "bool": torch.bool, "f64": torch.float64}[name]
        assert tensor.dtype == kind and tensor.shape == (2,), name
        assert tensor.view(torch.uint8).tolist() == list(range(1, 1 + 2 * tensor.element_size())) or name == "bool", name
    print(f"types.pth: {len(written)} tensors")


if len(sys.argv) > 1:
    check(Path(sys.argv[1]))
else:
    make()
