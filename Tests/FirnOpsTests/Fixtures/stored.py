"""Numbers in smaller types, by NumPy (binary16, whole numbers) and PyTorch (bfloat16): writes stored.json.

python3 stored.py
"""

import json
import pathlib

import numpy as np
import torch

random = np.random.default_rng(14)
edges = [
    0x00000000, 0x80000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x3F800000, 0xBF800000, 0x7F7FFFFF, 0xFF7FFFFF,
    0x7F800000, 0xFF800000,
    # Halfway between two numbers of bfloat16, below an even and an odd one, and beside halfway.
    0x3F808000, 0x3F818000, 0x3F807FFF, 0x3F808001, 0x7F7F8000, 0x7F7F7FFF,
    # The same of binary16; its greatest number, halfway to what would be the next, and beside that.
    0x3F801000, 0x3F803000, 0x3F800FFF, 0x3F801001, 0x477FE000, 0x477FEFFF, 0x477FF000, 0x477FF001,
    # About the least normal number of binary16, its least, and half of that.
    0x387FC000, 0x387FE000, 0x387FEFFF, 0x387FF000, 0x38800000, 0x33800000, 0x33000000, 0x33000001, 0x32FFFFFF,
    0x33C00000,
]
drawn = random.integers(0, 1 << 32, 200, dtype=np.uint64)
near = (random.standard_normal(200) * 10.0 ** random.integers(-8, 6, 200)).astype(np.float32).view(np.uint32)
bits = np.array([b for b in edges + drawn.tolist() + near.tolist()], dtype=np.uint32)
numbers = bits.view(np.float32)
isnan = np.isnan(numbers)
bits, numbers = bits[~isnan], numbers[~isnan]
with np.errstate(over="ignore"):
    halves = numbers.astype(np.float16).view(np.uint16)
brains = torch.from_numpy(numbers.copy()).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)

# A column of zeros, one of ties, one whose scale would be below the least normal number.
matrix = random.standard_normal((7, 37)).astype(np.float32)
matrix[:, 3] = 0
matrix[:, 5] = np.array([127, 0.5, 1.5, -0.5, -2.5, 3, -127], dtype=np.float32)
matrix[:, 6] *= np.float32(1e-37)
matrix[0, 6] = np.float32(1e-37)


def whole(matrix, axis):
    """Numbers and scales with a scale for each position of `axis`."""
    other = 1 - axis
    scales = np.abs(matrix).max(axis=other).astype(np.float32) / np.float32(127)
    scales[scales < np.finfo(np.float32).tiny] = 0
    shape = (1, -1) if axis == 1 else (-1, 1)
    wide = scales.reshape(shape)
    quotient = np.divide(matrix, wide, out=np.zeros_like(matrix), where=wide != 0)
    return np.rint(np.clip(quotient, -127, 127)).astype(np.int8), scales


by_column, column_scales = whole(matrix, 1)
by_row, row_scales = whole(matrix, 0)
data = {
    "bits": bits.tolist(),
    "float16": halves.tolist(),
    "bfloat16": brains.tolist(),
    "matrix": matrix.ravel().view(np.uint32).tolist(),
    "columns": {"numbers": by_column.ravel().tolist(), "scales": column_scales.view(np.uint32).tolist()},
    "rows": {"numbers": by_row.ravel().tolist(), "scales": row_scales.view(np.uint32).tolist()},
}
pathlib.Path(__file__).with_name("stored.json").write_text(json.dumps(data, separators=(",", ":")) + "\n")
