"""Makes files as people bring them, each by the library it comes from: objects of any class in checkpoints, forms of before
PyTorch 1.6, weights in several files, SavedModels, and files that hold no weights Firn reads.

    pip install numpy torch safetensors huggingface_hub tensorflow-cpu keras onnx gguf
    python foreign.py

foreign.json lists what the libraries read back, as expected.json does, and the first bytes of the foreign files. What a
remedy of Firn says is done here too, and its result is among the files that are read.
"""

import argparse
import bz2
import collections
import datetime
import enum
import functools
import gzip
import io
import json
import lzma
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import gguf
import huggingface_hub
import keras
import numpy as np
import onnx
import onnx.numpy_helper
import tensorflow as tf
import torch

from described import described

HERE = Path(__file__).parent
FILES = HERE / "foreign"
shutil.rmtree(FILES, ignore_errors=True)
FILES.mkdir()
read = {}
heads = {}
scratch = Path(tempfile.mkdtemp())


def expect(file, entries, **more):
    read[file] = {"entries": entries, **more}


def head(name, file, count=320):
    heads[name] = Path(file).read_bytes()[:count].hex()


# Checkpoints with objects


class AttributeDict(dict):
    """As training frameworks keep hyperparameters."""


class Phase(enum.Enum):
    """A state of training."""

    WARM = 1


# A class is known by its module's name, which must not be that of this script.
for kind in (AttributeDict, Phase):
    kind.__module__ = "trainer"

module = types.ModuleType("trainer")
module.AttributeDict, module.Phase = AttributeDict, Phase
sys.modules["trainer"] = module

torch.manual_seed(1)
net = torch.nn.Linear(3, 2)
state = net.state_dict()
rows = collections.defaultdict(list)
rows["loss"] = torch.tensor([0.5, 0.25])
objects = {
    "state_dict": state,
    "args": argparse.Namespace(rate=0.1, layers=[1, 2]),
    "hyper_parameters": AttributeDict(width=64, mean=torch.tensor([1.0, 2.0])),
    "best": np.float64(0.25),
    "path": pathlib.PurePosixPath("/data/run"),
    "history": rows,
    "phase": Phase.WARM,
    "saved": datetime.date(2020, 1, 2),
    "schedule": functools.partial(max, 1),
    "kept": argparse.Namespace(ema=torch.ones(2)),
    "epoch": 3,
}
entries = [described(f"state_dict.{n}", a) for n, a in state.items()] + [
    described("hyper_parameters.mean", objects["hyper_parameters"]["mean"]), described("history.loss", rows["loss"])]
boxes = ["args", "hyper_parameters", "best", "path", "history", "phase", "saved", "schedule", "kept"]
for name, more in {"objects.pth": {}, "objects-4.pth": {"pickle_protocol": 4},
                   "objects-legacy.pth": {"_use_new_zipfile_serialization": False}}.items():
    torch.save(objects, FILES / name, **more)
    expect(name, entries, metadata={"epoch": "3", "hyper_parameters.width": "64"}, skipped=boxes)

marked = torch.nn.Parameter(torch.arange(3.0))
marked.tag = "kept"
plain = torch.arange(2.0)
plain.tag = "kept"
torch.save({"parameter": marked, "tensor": plain}, FILES / "attributes.pth")
expect("attributes.pth", [described("parameter", marked), described("tensor", plain)])
torch.save({"mask": torch.eye(2).to_sparse(), **state}, FILES / "refused-sparse.pth")
torch.save({"net": net}, FILES / "refused-module.pth")


# Files of before PyTorch 1.6

old = {"_use_new_zipfile_serialization": False}
base = torch.arange(12, dtype=torch.float32)
views = {
    "whole": base, "matrix": base.view(3, 4).T, "own": torch.tensor([7.0]), "empty": torch.zeros(0, 2),
    "f64": torch.tensor([1.5], dtype=torch.float64), "f16": torch.tensor([1.5, -2], dtype=torch.float16),
    "i64": torch.tensor([1, -2]), "u8": torch.tensor([1, 255], dtype=torch.uint8), "bool": torch.tensor([True, False]),
}
torch.save(views, FILES / "legacy-views.pth", **old)
expect("legacy-views.pth", [described(n, a, shared=n in ("whole", "matrix")) for n, a in views.items()])
torch.save(state, FILES / "legacy-4.pth", pickle_protocol=4, **old)
expect("legacy-4.pth", [described(n, a) for n, a in state.items()])
torch.save(base, FILES / "legacy-tensor.pth", **old)
expect("legacy-tensor.pth", [described("tensor", base)])


class Pairs:
    """An ordered dictionary as Python 2 pickles it."""

    def __init__(self, items):
        self.items = items

    def __reduce__(self):
        return collections.OrderedDict, ([[n, a] for n, a in self.items],)


def plain_reduce(self, _):
    """A tensor as PyTorch 0.3 pickles it."""
    return torch._utils._rebuild_tensor, (self._typed_storage(), self.storage_offset(), tuple(self.size()), self.stride())


kept = torch.Tensor.__reduce_ex__
torch.Tensor.__reduce_ex__ = plain_reduce
torch.save(Pairs(state.items()), FILES / "legacy-2017.pth", **old)
torch.Tensor.__reduce_ex__ = kept
again = torch.load(FILES / "legacy-2017.pth", weights_only=False)
expect("legacy-2017.pth", [described(n, a) for n, a in again.items()])


# Weights in several files

shards = FILES / "sharded"
shards.mkdir()
many = {f"layers.{i}.weight": torch.arange(8, dtype=torch.float32) + i for i in range(4)}
huggingface_hub.save_torch_state_dict(many, shards, max_shard_size=80)
index = "sharded/model.safetensors.index.json"
assert len(list(shards.iterdir())) == 3
names = json.loads((FILES / index).read_text())["weight_map"]
expect(index, [described(n, many[n]) for n in names], metadata={"format": "pt"})
# The same with shards of torch.save.
binary = FILES / "binary"
binary.mkdir()
parts = {"pytorch_model-00001-of-00002.bin": ["a", "b"], "pytorch_model-00002-of-00002.bin": ["c"]}
tied = torch.ones(2)
tensors = {"a": tied, "b": tied, "c": torch.zeros(3)}
for file, of in parts.items():
    torch.save({n: tensors[n] for n in of}, binary / file)
(binary / "pytorch_model.bin.index.json").write_text(
    json.dumps({"metadata": {"total_size": 20}, "weight_map": {n: f for f, of in parts.items() for n in of}}))
expect("binary/pytorch_model.bin.index.json", [described(n, a, shared=n != "c") for n, a in tensors.items()])


# Keras and TensorFlow

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [keras.layers.Input((3,)), keras.layers.Dense(2, name="hidden"), keras.layers.BatchNormalization(name="bn")], name="net")
model.compile(optimizer=keras.optimizers.SGD(momentum=0.9), loss="mse")
model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
values = {v.path: v.numpy() for v in model.variables}
model.export(scratch / "exported", verbose=False)
(FILES / "exported").mkdir()
shutil.copytree(scratch / "exported/variables", FILES / "exported/variables")
copies = [f"variables/{i}/.ATTRIBUTES/VARIABLE_VALUE" for i in range(6)]
expect(
    "exported", [described(n, a) for n, a in values.items()], unordered=True,
    skipped=["_CHECKPOINTABLE_OBJECT_GRAPH"] + copies)
tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(FILES / "trained"))
everything = values | {v.path: v.numpy() for v in model.optimizer.variables}
expect("trained", [described(n, a) for n, a in everything.items()], unordered=True, skipped=["_CHECKPOINTABLE_OBJECT_GRAPH"])
# Two variables of one name and different values keep the paths of their objects.
pair = tf.train.Checkpoint(left=tf.Variable([1.0], name="w"), right=tf.Variable([2.0], name="w"), own=tf.Variable(3.0, name="own"))
pair.write(str(FILES / "twice"))
expect(
    "twice", [described("left", np.array([1], np.float32)), described("own", np.array(3, np.float32)),
              described("right", np.array([2], np.float32))], skipped=["_CHECKPOINTABLE_OBJECT_GRAPH"])
head("saved_model.pb", scratch / "exported/saved_model.pb")
one = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, name="out")], name="net")
one.save(FILES / "one.keras")
one.save(scratch / "one.h5")
one.save_weights(scratch / "one.weights.h5")
head("one.h5", scratch / "one.h5")
head("one.weights.h5", scratch / "one.weights.h5")
loaded = keras.models.load_model(FILES / "one.keras")
np.savez(FILES / "one.npz", **{v.path: v.numpy() for v in loaded.variables})
expect("one.npz", [described(v.path, v.numpy()) for v in loaded.variables])


# Files that are something else

scripted = torch.jit.script(net)
scripted.save(str(FILES / "script.pt"))
torch.save(torch.jit.load(str(FILES / "script.pt")).state_dict(), FILES / "script.pth")
expect("script.pth", [described(n, a) for n, a in state.items()])
# In a process of its own, as exporting and TensorFlow cannot be loaded together.
export = """
import sys, torch
net = torch.nn.Linear(3, 2)
net.load_state_dict(torch.load(sys.argv[1]))
torch.export.save(torch.export.export(net, (torch.ones(1, 3),)), sys.argv[2] + ".pt2")
torch.save(torch.export.load(sys.argv[2] + ".pt2").state_dict, sys.argv[2] + ".pth")
"""
subprocess.run([sys.executable, "-c", export, FILES / "script.pth", FILES / "program"], check=True)
expect("program.pth", [described(n, a) for n, a in state.items()])

weight = onnx.numpy_helper.from_array(net.weight.detach().numpy(), "weight")
graph = onnx.helper.make_graph([], "net", [], [], [weight])
onnx.save(onnx.helper.make_model(graph, producer_name="pytorch"), scratch / "net.onnx")
head("net.onnx", scratch / "net.onnx")
onnx.save(onnx.helper.make_model(graph), scratch / "bare.onnx")
head("bare.onnx", scratch / "bare.onnx")
np.savez(
    FILES / "onnx.npz",
    **{t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(scratch / "net.onnx").graph.initializer})
expect("onnx.npz", [described("weight", net.weight)])
writer = gguf.GGUFWriter(scratch / "net.gguf", "llama")
writer.add_tensor("weight", np.ones((2, 2), np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
head("net.gguf", scratch / "net.gguf")
saved = io.BytesIO()
torch.save(state, saved)
for name, pack in {"state.pth.gz": gzip.compress, "state.pth.bz2": bz2.compress, "state.pth.xz": lzma.compress}.items():
    (scratch / name).write_bytes(pack(saved.getvalue()))
    head(name, scratch / name)
with tarfile.open(scratch / "state.tar", "w") as archive:
    archive.addfile(tarfile.TarInfo("state.pth"))
head("state.tar", scratch / "state.tar")
for protocol in (2, 4):
    (scratch / "a.pkl").write_bytes(pickle.dumps({"a": np.ones(2)}, protocol=protocol))
    head(f"a-{protocol}.pkl", scratch / "a.pkl")
heads["config.json"] = json.dumps({"hidden_size": 64}).encode().hex()
heads["notes.txt"] = b"Weights of the third run\n".hex()
heads["lfs.safetensors"] = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n".hex()
heads["page.pth"] = b"<!DOCTYPE html>\n<html>".hex()
heads["checkpoint"] = b'model_checkpoint_path: "model.ckpt-3"\n'.hex()
heads["model.ckpt.data-00000-of-00001"] = (FILES / "twice.data-00000-of-00001").read_bytes()[:64].hex()
heads["unknown"] = bytes([1, 2, 3, 4, 250, 6, 7, 8, 9]).hex()

shutil.rmtree(scratch)
(HERE / "foreign.json").write_text(json.dumps({"read": read, "heads": heads}, indent=0) + "\n")
