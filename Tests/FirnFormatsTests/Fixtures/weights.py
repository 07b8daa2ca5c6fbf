"""Makes the files of weights that the readers are tested with, each by the library it comes from.

    pip install numpy torch safetensors tensorflow-cpu
    python weights.py

For each file, expected.json lists what the library itself reads back: names, shapes, types, and the elements' bytes as they
lie in memory (little-endian, row-major), in hexadecimal. corpus.json holds small safetensors files, good and broken, and
whether the reference reader takes them.
"""

import io
import json
import os
import struct
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import tensorflow as tf
import torch

from described import described

HERE = Path(__file__).parent
FILES = HERE / "weights"
FILES.mkdir(exist_ok=True)
expected = {}


def expect(file, entries, **more):
    expected[file] = {"entries": entries, **more}


SAMPLES = {
    "f64": np.array([[1.5, -2.25, np.pi], [np.inf, -0.0, 5e-324]], np.float64),
    "f32": np.array([[1.5, -2.25, 0.1], [np.inf, -0.0, 1e-45]], np.float32),
    "f16": np.array([1.5, -2.25, 65504, 6e-8, -0.0, np.inf], np.float16),
    "i64": np.array([1, -2, 2**31 - 1, -(2**31)], np.int64),
    "i32": np.array([[[1], [-2]], [[2**31 - 1], [-(2**31)]]], np.int32),
    "i16": np.array([1, -2, 32767, -32768], np.int16),
    "i8": np.array([1, -2, 127, -128, 5], np.int8),
    "u64": np.array([1, 2, 2**31 - 1], np.uint64),
    "u32": np.array([1, 2, 2**31 - 1], np.uint32),
    "u16": np.array([1, 2, 65535], np.uint16),
    "u8": np.array([[1, 2, 255]], np.uint8),
    "bool": np.array([True, False, True]),
    "scalar": np.array(3.5, np.float32),
    "empty": np.zeros((0, 3), np.float32),
}
COMPLEX = {
    "complex64": np.array([1 + 2j, -3j], np.complex64),
    "complex128": np.array([1 + 2j, -3j], np.complex128),
}


# safetensors

tensors = {**SAMPLES, "complex64": COMPLEX["complex64"]}
torch_only = {
    "bf16": torch.tensor([1.5, -2.25, 3e38], dtype=torch.bfloat16),
    "f8e4m3": torch.tensor([1.5, -2.0], dtype=torch.float8_e4m3fn),
    "f8e5m2": torch.tensor([1.5, -2.0], dtype=torch.float8_e5m2),
}
all_torch = {n: torch.from_numpy(a.copy()) for n, a in tensors.items()} | torch_only
safetensors.torch.save_file(all_torch, FILES / "all.safetensors", metadata={"made by": 'the "reference"\n'})
expect(
    "all.safetensors", [described(n, a) for n, a in (tensors | torch_only).items()],
    metadata={"made by": 'the "reference"\n'}, unordered=True)

# What Firn must write byte for byte.
written = {n: SAMPLES[n] for n in ("f32", "f64", "i32", "bool", "scalar", "empty")} | {
    "a/ü\"\\\t\u0001": np.array([1, 2], np.float32), "B": np.array([3], np.float32)}
safetensors.numpy.save_file(written, FILES / "written.safetensors", metadata={"format": "pt"})
expect("written.safetensors", [described(n, a) for n, a in written.items()], unordered=True, metadata={"format": "pt"})


def header(text, data=b"", length=None):
    text = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype="F32", shape="[2]", offsets="[0,8]", more=""):
    return '{"dtype":"%s","shape":%s,"data_offsets":%s%s}' % (dtype, shape, offsets, more)


eight = bytes(range(8))
corpus = {
    "good": header('{"a":%s}' % tensor(), eight),
    "no bytes": b"",
    "seven bytes": b"\2\0\0\0\0\0\0",
    "only a length": header(""),
    "no tensors": header("{}"),
    "no tensors, bytes": header("{}", b"1"),
    "length beyond the end": header("{}", length=3),
    "length 2^64-1": header("{}", length=2**64 - 1),
    "length 2^63": header("{}", length=2**63),
    "length beyond 100 MB": header("{}", length=100_000_001),
    "space before": header(' \n{"a":%s}' % tensor(), eight),
    "space after": header('{"a":%s}   ' % tensor(), eight),
    "zero after": header(b"{}\0"),
    "array": header("[]"),
    "null": header("null"),
    "unfinished": header('{"a":%s' % tensor(), eight),
    "comma before the end": header('{"a":%s,}' % tensor(), eight),
    "hole at the start": header('{"a":%s}' % tensor(offsets="[1,9]"), b"0" + eight),
    "hole between": header('{"a":%s,"b":%s}' % (tensor(), tensor(offsets="[9,17]")), bytes(17)),
    "overlap": header('{"a":%s,"b":%s}' % (tensor(), tensor(offsets="[4,12]")), bytes(12)),
    "same bytes twice": header('{"a":%s,"b":%s}' % (tensor(), tensor()), eight),
    "order of names is free": header('{"b":%s,"a":%s}' % (tensor(offsets="[8,16]"), tensor()), bytes(16)),
    "trailing byte": header('{"a":%s}' % tensor(), eight + b"0"),
    "missing byte": header('{"a":%s}' % tensor(), eight[:7]),
    "end before begin": header('{"a":%s}' % tensor(offsets="[8,0]"), eight),
    "shape too large": header('{"a":%s}' % tensor(shape="[3]"), eight),
    "shape too small": header('{"a":%s}' % tensor(shape="[1]"), eight),
    "overflow of the shape": header('{"a":%s}' % tensor(shape="[4294967296,4294967296]"), eight),
    "overflow by the size": header('{"a":%s}' % tensor(shape="[4611686018427387904]", offsets="[0,0]")),
    "overflow, then 0": header('{"a":%s}' % tensor(shape="[4294967296,4294967296,0]", offsets="[0,0]")),
    "0, then large": header('{"a":%s}' % tensor(shape="[0,4294967296,4294967296]", offsets="[0,0]")),
    "zero-size": header('{"a":%s}' % tensor(shape="[0]", offsets="[0,0]")),
    "zero-size before others": header('{"a":%s,"b":%s}' % (tensor(), tensor(shape="[0,2]", offsets="[0,0]")), eight),
    "zero-size at the end": header('{"a":%s,"b":%s}' % (tensor(), tensor(shape="[0]", offsets="[8,8]")), eight),
    "scalar": header('{"a":%s}' % tensor(shape="[]", offsets="[0,4]"), eight[:4]),
    "negative extent": header('{"a":%s}' % tensor(shape="[-2]"), eight),
    "extent as float": header('{"a":%s}' % tensor(shape="[2.0]"), eight),
    "extent with exponent": header('{"a":%s}' % tensor(shape="[2e0]"), eight),
    "extent as text": header('{"a":%s}' % tensor(shape='["2"]'), eight),
    "extent with a leading zero": header('{"a":%s}' % tensor(shape="[02]"), eight),
    "minus zero": header('{"a":%s}' % tensor(shape="[-0]", offsets="[0,0]")),
    "extent 2^64": header('{"a":%s}' % tensor(shape="[18446744073709551616]"), eight),
    "one offset": header('{"a":%s}' % tensor(offsets="[0]"), eight),
    "three offsets": header('{"a":%s}' % tensor(offsets="[0,8,8]"), eight),
    "unknown dtype": header('{"a":%s}' % tensor(dtype="F31"), eight),
    "dtype in lower case": header('{"a":%s}' % tensor(dtype="f32"), eight),
    "no dtype": header('{"a":{"shape":[2],"data_offsets":[0,8]}}', eight),
    "no shape": header('{"a":{"dtype":"F32","data_offsets":[0,8]}}', eight),
    "no offsets": header('{"a":{"dtype":"F32","shape":[2]}}', eight),
    "unknown member": header('{"a":%s}' % tensor(more=',"more":{"x":[1,null,true,"y",1.5e3]}'), eight),
    "tensor is a number": header('{"a":1}', eight),
    "tensor is null": header('{"a":null}'),
    "metadata": header('{"__metadata__":{"k":"v"},"a":%s}' % tensor(), eight),
    "metadata is null": header('{"__metadata__":null,"a":%s}' % tensor(), eight),
    "metadata is a list": header('{"__metadata__":[],"a":%s}' % tensor(), eight),
    "metadata holds a number": header('{"__metadata__":{"k":1},"a":%s}' % tensor(), eight),
    "metadata twice": header('{"__metadata__":{},"__metadata__":{},"a":%s}' % tensor(), eight),
    "bad UTF-8": header(b'{"\xff":' + tensor().encode() + b"}", eight),
    "overlong UTF-8": header(b'{"\xc0\x80":' + tensor().encode() + b"}", eight),
    "escaped name": header('{"\\u00e9\\ud83d\\ude00\\n\\/":%s}' % tensor(), eight),
    "half a surrogate pair": header('{"\\ud83d":%s}' % tensor(), eight),
    "second half alone": header('{"\\ude00":%s}' % tensor(), eight),
    "control character": header('{"\n":%s}' % tensor(), eight),
    "empty name": header('{"":%s}' % tensor(), eight),
    "unaligned": header('{"a":%s,"b":%s} ' % (tensor(dtype="U8", shape="[1]", offsets="[0,1]"), tensor(offsets="[1,9]")), bytes(9)),
    "half a byte": header('{"a":%s}' % tensor(dtype="F4", shape="[1]", offsets="[0,1]"), b"0"),
    "two halves": header('{"a":%s}' % tensor(dtype="F4", shape="[2]", offsets="[0,1]"), b"0"),
    "six bits, four times": header('{"a":%s}' % tensor(dtype="F6_E2M3", shape="[4]", offsets="[0,3]"), b"000"),
    "nested 126 deep": header('{"a":%s}' % tensor(more=',"m":' + "[" * 124 + "]" * 124), eight),
    "nested 127 deep": header('{"a":%s}' % tensor(more=',"m":' + "[" * 125 + "]" * 125), eight),
    "nested 128 deep": header('{"a":%s}' % tensor(more=',"m":' + "[" * 126 + "]" * 126), eight),
    "number too large": header('{"a":%s}' % tensor(more=',"m":1e999'), eight),
    "member twice": header('{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight),
    "name twice": header('{"a":%s,"a":%s}' % (tensor(), tensor()), eight),
    "metadata key twice": header('{"__metadata__":{"k":"v","k":"w"},"a":%s}' % tensor(), eight),
    "tensor as a list": header('{"a":["F32",[2],[0,8]]}', eight),
}
STRICTER = {"name twice", "metadata key twice", "tensor as a list"}


def verdict(data):
    try:
        safetensors.deserialize(data)
        return True
    except Exception:
        return False


(HERE / "corpus.json").write_text(
    json.dumps(
        [{"name": n, "hex": d.hex(), "reference": verdict(d), "stricter": n in STRICTER} for n, d in corpus.items()],
        indent=0)
    + "\n")


# NumPy

arrays = SAMPLES | COMPLEX
np.savez(FILES / "stored.npz", **arrays)
np.savez_compressed(FILES / "deflated.npz", **arrays, zeros=np.zeros(1000, np.float32), ramp=np.arange(700, dtype=np.float64))
expect("stored.npz", [described(n, a) for n, a in arrays.items()])
expect(
    "deflated.npz",
    [described(n, a) for n, a in (arrays | {"zeros": np.zeros(1000, np.float32), "ramp": np.arange(700, dtype=np.float64)}).items()])
big = {n: a.astype(a.dtype.newbyteorder(">")) for n, a in SAMPLES.items()}
np.savez(FILES / "big-endian.npz", **big)
expect("big-endian.npz", [described(n, a) for n, a in SAMPLES.items()])
cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
np.savez(FILES / "fortran.npz", f4=np.asfortranarray(cube), i2=np.asfortranarray(cube.astype(">i2")), kept=cube)
expect("fortran.npz", [described("f4", cube), described("i2", cube.astype(np.int16)), described("kept", cube)])
np.save(FILES / "one.npy", cube)
expect("one.npy", [described("one", cube)])
for version in ((2, 0), (3, 0)):
    with open(FILES / f"v{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, SAMPLES["f64"], version=version)
    expect(f"v{version[0]}.npy", [described(f"v{version[0]}", SAMPLES["f64"])])
for name, array in {
    "object": np.array([{}, None], object), "text": np.array(["a"]), "bytes": np.array([b"a"]),
    "structured": np.zeros(2, [("x", "<f4"), ("y", "<i4")]), "date": np.array(["2020-01-01"], "M8[D]"),
}.items():
    np.save(FILES / f"refused-{name}.npy", array)
with zipfile.ZipFile(FILES / "zip64.npz", "w") as archive:
    with archive.open("a.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, cube)


class Stream(io.RawIOBase):
    """A file that cannot seek, so that zipfile writes data descriptors."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


expect("zip64.npz", [described("a", cube)])
stream = Stream()
with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("a.npy", "w") as member:
        np.lib.format.write_array(member, cube)
(FILES / "descriptor.npz").write_bytes(stream.data)
expect("descriptor.npz", [described("a", cube)])


# PyTorch

torch.manual_seed(1)
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
model[0].bias.requires_grad_(False)
state = model.state_dict()
torch.save(state, FILES / "state.pt")
expect("state.pt", [described(n, a) for n, a in state.items()])
checkpoint = {"state_dict": dict(model.named_parameters()), "epoch": 3, "rate": 0.5, "note": "ok", "best": None, "done": True, "list": [torch.ones(2)]}
torch.save(checkpoint, FILES / "checkpoint.pth")
expect(
    "checkpoint.pth",
    [described("state_dict." + n, a, requiresGradient=a.requires_grad) for n, a in model.named_parameters()]
    + [described("list.0", torch.ones(2))],
    metadata={"epoch": "3", "rate": "0.5", "note": "ok", "best": "None", "done": "True"})
base = torch.arange(24, dtype=torch.float32)
views = {
    "whole": base, "offset": base[5:9], "matrix": base.view(4, 6), "transposed": base.view(4, 6).T,
    "step": base[1::3], "corner": base.view(2, 3, 4)[1, 1:, ::2], "expanded": torch.ones(1, 3).expand(2, 3),
    "own": torch.tensor([7.0]), "scalar": base[3], "empty": torch.zeros(0, 2),
}
torch.save(views, FILES / "views.pt")
shared = {"whole", "offset", "matrix", "transposed", "step", "corner", "scalar"}
expect("views.pt", [described(n, a, shared=n in shared) for n, a in views.items()])
kinds = {n: torch.from_numpy(a.copy()) for n, a in (SAMPLES | COMPLEX).items()} | torch_only
torch.save(kinds, FILES / "kinds.pt")
expect("kinds.pt", [described(n, a) for n, a in kinds.items()])
for protocol in (3, 4, 5):
    torch.save(state, FILES / f"protocol{protocol}.pt", pickle_protocol=protocol)
    expect(f"protocol{protocol}.pt", [described(n, a) for n, a in state.items()])
torch.save(torch.ones(2), FILES / "tensor.pt")
expect("tensor.pt", [described("tensor", torch.ones(2))])
torch.save(state, FILES / "legacy.pt", _use_new_zipfile_serialization=False)
expect("legacy.pt", [described(n, a) for n, a in state.items()])
torch.save(model, FILES / "refused-module.pt")


# TensorFlow

kinds = {n: tf.constant(a) for n, a in (SAMPLES | COMPLEX).items()}
kinds["bf16"] = tf.cast(tf.constant([1.5, -2.25]), tf.bfloat16)
variables = {n: tf.Variable(a, name=n) for n, a in kinds.items()}
tf.train.Checkpoint(**variables).write(str(FILES / "objects"))
expect(
    "objects",
    [described(n, a.numpy() if n != "bf16" else torch.tensor([1.5, -2.25], dtype=torch.bfloat16))
     for n, a in sorted(kinds.items())], skipped=["_CHECKPOINTABLE_OBJECT_GRAPH"])
named = {"encoder/dense/kernel": SAMPLES["f32"], "encoder/dense/bias": np.ones(3, np.float32), "global_step": np.array(7, np.int64)}
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    for name, array in named.items():
        tf.compat.v1.get_variable(name, initializer=tf.constant(array), use_resource=False)
    tf.compat.v1.get_variable(
        "parted", shape=[4, 2], initializer=tf.compat.v1.ones_initializer(),
        partitioner=tf.compat.v1.fixed_size_partitioner(2))
    session.run(tf.compat.v1.global_variables_initializer())
    whole = [v for v in tf.compat.v1.global_variables() if not v.name.startswith("parted")]
    tf.compat.v1.train.Saver(whole).save(session, str(FILES / "names"), write_meta_graph=False, latest_filename="names.latest")
    tf.compat.v1.train.Saver().save(session, str(FILES / "refused-slices"), write_meta_graph=False, latest_filename="names.latest")
(FILES / "names.latest").unlink()
expect("names", [described(n, a) for n, a in sorted(named.items())])

text = json.dumps(expected, indent=0, ensure_ascii=True)
(HERE / "expected.json").write_text(text + "\n")
