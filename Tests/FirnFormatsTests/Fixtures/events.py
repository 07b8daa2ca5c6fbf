"""Makes tensorboard/events.out.tfevents.0.firn: what `EventWriterTests` writes, put together from the formats alone.

    python events.py

TFRecord framing with masked CRC-32C; messages of event.proto, summary.proto and graph.proto. `.ci/tensorboard` shows that
TensorBoard reads it.
"""

import struct
from pathlib import Path


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def integer(field, value):
    return varint(field << 3) + varint(value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def event(*parts, step=None):
    return record(double(1, 0.0) + (b"" if step is None else integer(2, step)) + b"".join(parts))


def scalars(step, **values):
    points = [data(1, data(1, name.replace("__", "/")) + single(2, value)) for name, value in values.items()]
    return event(data(5, b"".join(points)), step=step)


def histogram(name, values, step):
    positive, limit = [], 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(1.7976931348623157e308)
    limits = [-x for x in reversed(positive)] + [0.0] + positive
    counts = [0] * len(limits)
    for value in values:
        counts[next(i for i, limit in enumerate(limits) if limit > value)] += 1
    full = [i for i, count in enumerate(counts) if count]
    shown = range(max(0, full[0] - 1), full[-1] + 1)
    message = double(1, min(values)) + double(2, max(values)) + double(3, float(len(values)))
    message += double(4, sum(values)) + double(5, sum(v * v for v in values))
    message += data(6, b"".join(struct.pack("<d", limits[i]) for i in shown))
    message += data(7, b"".join(struct.pack("<d", float(counts[i])) for i in shown))
    return event(data(5, data(1, data(1, name) + data(5, message))), step=step)


def node(name, op, inputs, device, shape):
    dims = b"".join(data(2, integer(1, d) if isinstance(d, int) else integer(1, -1) + data(2, d)) for d in shape)
    message = data(1, name) + data(2, op) + b"".join(data(3, i) for i in inputs) + (data(4, device) if device else b"")
    message += data(5, data(1, "_output_shapes") + data(2, data(1, data(7, dims))))
    return data(1, message + data(5, data(1, "dtype") + data(2, integer(6, 1))))


graph = b"".join([
    node("x", "placeholder", [], "", ["batch", 2]),
    node("encoder/kernel", "read", [], "frozen", [2, 3]),
    node("encoder/matmul", "matmul", ["x", "encoder/kernel"], "frozen", ["batch", 3]),
    node("head/tanh", "tanh", ["encoder/matmul"], "trainable", ["batch", 3]),
    node("head/kernel", "read", [], "trainable", [3, 1]),
    node("head/matmul", "matmul", ["head/tanh", "head/kernel"], "trainable", ["batch", 1]),
    data(4, integer(1, 1)),
])
nan = float("nan")
file = event(data(3, "brain.Event:2"))
for step, loss in enumerate([2.5, 1.25, 0.5]):
    file += scalars(step, loss=loss)
file += scalars(2, validation__loss=nan, validation__accuracy=0.5)
file += scalars(2, weights__not_finite=1.0) + histogram("weights", [-1.0, 0.0, 0.5, 2.0], 2)
file += event(data(4, graph))
(Path(__file__).parent / "tensorboard" / "events.out.tfevents.0.firn").write_bytes(file)
