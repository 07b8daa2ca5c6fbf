"""Reads the files that Firn wrote with the real libraries and compares them with what Firn was given.

    FIRN_WRITTEN=folder swift test --filter 'WeightsWritingTests|StoredBytesTests'
    python check_written.py folder
"""

import sys
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

folder = Path(sys.argv[1])
source = np.load(Path(__file__).parent / "weights" / "deflated.npz")
readers = {
    "written.safetensors": lambda path: safetensors.numpy.load_file(path),
    "written.npz": lambda path: dict(np.load(path)),
}
for file, read in readers.items():
    arrays = read(folder / file)
    missing = {"c16"} if file.endswith(".safetensors") else set()
    wanted = {n: source[n] for n in source.files if source[n].dtype.str[1:] not in missing}
    assert arrays.keys() == wanted.keys(), arrays.keys() ^ wanted.keys()
    for name, array in wanted.items():
        read_back = arrays[name]
        assert read_back.dtype == array.dtype and read_back.shape == array.shape, name
        assert read_back.tobytes() == array.tobytes(), name
    print(f"{file}: {len(wanted)} arrays equal")

# bf16 and the types of eight bits, which NumPy has not, by PyTorch.
original = safetensors.torch.load_file(Path(__file__).parent / "weights" / "all.safetensors")
copy = safetensors.torch.load_file(folder / "all.safetensors")
assert copy.keys() == original.keys()
for name, tensor in original.items():
    assert copy[name].dtype == tensor.dtype and copy[name].shape == tensor.shape, name
    if tensor.numel():
        flat = [t.reshape(-1).view(torch.uint8) for t in (copy[name], tensor)]
        assert torch.equal(*flat), name
print(f"all.safetensors: {len(original)} tensors equal, {sorted({str(t.dtype) for t in original.values()})}")
