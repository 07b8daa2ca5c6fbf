"""Makes pictures.json: PNG files of every form that is read and some that are not, and the levels that Pillow reads.

    python make_pictures.py
"""

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def encoded(levels, filters, splits, level=9):
    """A PNG whose rows have these filters in turn, its pixels in so many chunks."""
    height, width, channels = levels.shape
    rows = levels.reshape(height, -1).astype(int)
    raw = bytearray()
    for y in range(height):
        form = filters[y % len(filters)]
        raw.append(form)
        for x in range(rows.shape[1]):
            a = rows[y, x - channels] if x >= channels else 0
            b = rows[y - 1, x] if y else 0
            c = rows[y - 1, x - channels] if y and x >= channels else 0
            guess = [0, a, b, (a + b) // 2, paeth(a, b, c)][form]
            raw.append((rows[y, x] - guess) % 256)
    packed = zlib.compress(bytes(raw), level)
    size = -(-len(packed) // splits)
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0))
        + chunk(b"gAMA", struct.pack(">I", 45455))
        + b"".join(chunk(b"IDAT", packed[i : i + size]) for i in range(0, len(packed), size))
        + chunk(b"tEXt", b"Title\0made") + chunk(b"IEND", b""))


def entry(data):
    picture = np.asarray(Image.open(io.BytesIO(data)))
    if picture.ndim == 2:
        picture = picture[:, :, None]
    return {"png": base64.b64encode(data).decode(), "shape": list(picture.shape), "levels": picture.flatten().tolist()}


rng = np.random.default_rng(15)
pictures = {}
for name, channels in [("grey", 1), ("grey and opacity", 2), ("colours", 3), ("colours and opacity", 4)]:
    ramp = np.add.outer(np.arange(11) * 9, np.arange(7) * 17)[:, :, None] + np.arange(channels) * 40
    levels = ((ramp + rng.integers(0, 30, ramp.shape)) % 256).astype(np.uint8)
    for form in range(5):
        pictures[f"{name}, filter {form}"] = entry(encoded(levels, [form], 1))
    pictures[f"{name}, all filters, in parts"] = entry(encoded(levels, [4, 3, 1, 2, 0], 5))
    pictures[f"{name}, stored"] = entry(encoded(levels, [1, 4], 2, level=0))
# By Pillow itself, large enough for packed bytes with codes of their own.
shades = (np.add.outer(np.arange(64), np.arange(48)) * 2 % 256).astype(np.uint8)
file = io.BytesIO()
Image.fromarray(np.stack([shades, shades[::-1], shades[:, ::-1]], -1)).save(file, "PNG")
pictures["by Pillow"] = entry(file.getvalue())

refused = {}
for name, mode, options in [("palette", "P", {}), ("bits", "1", {}), ("sixteen bits", "I;16", {})]:
    file = io.BytesIO()
    Image.fromarray(shades).convert("L").convert(mode).save(file, "PNG", **options)
    refused[name] = base64.b64encode(file.getvalue()).decode()
Path(__file__).with_name("pictures.json").write_text(
    json.dumps({"pictures": pictures, "refused": refused}, separators=(",", ":")) + "\n")
