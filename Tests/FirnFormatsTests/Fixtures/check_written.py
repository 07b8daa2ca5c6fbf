"""Reads the files that Firn wrote with the real libraries and compares them with what Firn was given.

    FIRN_WRITTEN=folder swift test --filter WeightsWritingTests
    python check_written.py folder
"""

import sys
from pathlib import Path

import numpy as np
import safetensors.numpy

folder = Path(sys.argv[1])
source = np.load(Path(__file__).parent / "weights" / "deflated.npz")
readers = {
    "written.safetensors": lambda path: safetensors.numpy.load_file(path),
    "written.npz": lambda path: dict(np.load(path)),
}
for file, read in readers.items():
    arrays = read(folder / file)
    wanted = {n: source[n] for n in source.files if source[n].dtype.kind != "c"}
    assert arrays.keys() == wanted.keys(), arrays.keys() ^ wanted.keys()
    for name, array in wanted.items():
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        elif array.dtype.kind in "iu":
            array = array.astype(np.int32)
        read_back = arrays[name]
        assert read_back.dtype == array.dtype and read_back.shape == array.shape, name
        assert read_back.tobytes() == array.tobytes(), name
    print(f"{file}: {len(wanted)} arrays equal")
