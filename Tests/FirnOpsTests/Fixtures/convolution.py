"""Makes convolution.json: convolutions, pools and upsampling as PyTorch and TensorFlow compute them in float64.

    python convolution.py

Inputs are not stored: `numbers` makes them here, and ConvolutionParityTests makes the same ones. They are multiples of
1/512, so that float32 holds them exactly. Results and gradients are base64 of little-endian float64, NHWC and HWIO.
PyTorch's own float32 results are compared with its float64 ones, and the largest difference is printed.
"""

import base64
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf  # noqa: E402

cases = []
float32_error = 0.0


def numbers(shape, seed, levels=None, nans=False):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    values = ((i * 7919 + seed * 104729) % 2039 - 1019) / 512
    if levels:
        values = np.floor(values * levels) / levels
    if nans:
        values[i % 17 == 3] = np.nan
    return values.reshape(shape)


def stored(array):
    array = np.ascontiguousarray(array, dtype="<f8")
    return {"shape": list(array.shape), "data": base64.b64encode(array.tobytes()).decode()}


def add(name, op, inputs, run, **options):
    """`run(dtype)` gives the result, and the gradients of the inputs, as arrays."""
    results = run("float64")
    options = {key: value for key, value in options.items() if value is not None}
    cases.append({"name": name, "op": op, "inputs": inputs, **options,
                  "results": [stored(result) for result in results]})
    return results


def torch_case(name, op, shapes, function, layouts, levels=None, nans=False, **options):
    """`layouts`: for each input the permutation that takes ours to PyTorch's."""

    def run(dtype):
        leaves = []
        for seed, shape in enumerate(shapes):
            array = numbers(shape, seed + 1, levels, nans and seed == 0)
            leaf = torch.tensor(array.transpose(layouts[seed]).copy(), dtype=getattr(torch, dtype))
            leaves.append(leaf.requires_grad_())
        y = function(*leaves)
        back = [0, 2, 3, 1] if y.ndim == 4 else [0, 2, 1]
        forth = np.argsort(back)
        ours = y.detach().numpy().transpose(back)
        y.backward(torch.tensor(numbers(ours.shape, 9).transpose(forth).copy(), dtype=y.dtype))
        return [ours] + [leaf.grad.numpy().transpose(np.argsort(layouts[i])) for i, leaf in enumerate(leaves)]

    exact = add(name, op, [list(shape) for shape in shapes], run, levels=levels, nans=nans or None, **options)
    global float32_error
    for a, b in zip(run("float32"), exact):
        scale = np.nanmax(np.abs(b)) or 1
        float32_error = max(float32_error, float(np.nanmax(np.abs(a - b)) / scale))


IMAGE, KERNEL, TRANSPOSED = [0, 3, 1, 2], [3, 2, 0, 1], [3, 2, 0, 1]


def conv(name, x, k, strides=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    def function(a, b):
        if len(padding) == 4:
            top, bottom, left, right = padding
            a, inner = F.pad(a, (left, right, top, bottom)), 0
        else:
            inner = padding
        return F.conv2d(a, b, stride=strides, padding=inner, dilation=dilation, groups=groups)

    full = padding if len(padding) == 4 else [padding[0]] * 2 + [padding[1]] * 2
    torch_case(name, "conv2d", [x, k], function, [IMAGE, KERNEL], strides=list(strides), padding=list(full),
               dilation=list(dilation), groups=groups)


def transposed(name, x, k, strides=(1, 1), padding=(0, 0), extra=(0, 0), dilation=(1, 1), groups=1):
    torch_case(name, "conv2d_transpose", [x, k],
               lambda a, b: F.conv_transpose2d(a, b, stride=strides, padding=padding, output_padding=extra,
                                               groups=groups, dilation=dilation),
               [IMAGE, TRANSPOSED], strides=list(strides), padding=[padding[0]] * 2 + [padding[1]] * 2,
               output_padding=list(extra), dilation=list(dilation), groups=groups)


conv("plain", (2, 5, 6, 3), (3, 2, 3, 4))
conv("odd size, stride 2", (1, 7, 9, 3), (3, 3, 3, 2), (2, 2), (1, 1))
conv("stride 3", (2, 8, 7, 2), (3, 3, 2, 3), (3, 3), (1, 1))
conv("stride 2 by 3", (1, 7, 8, 2), (3, 5, 2, 3), (2, 3), (1, 2))
conv("stride larger than the kernel", (1, 8, 9, 3), (2, 1, 3, 2), (3, 4))
conv("stride larger, padded", (2, 5, 7, 2), (1, 2, 2, 3), (4, 3), (1, 1))
conv("dilation", (1, 9, 8, 2), (3, 3, 2, 3), (1, 1), (2, 2), (2, 2))
conv("dilation 3 by 2, stride 2", (1, 9, 8, 2), (3, 2, 2, 3), (2, 2), (3, 1), (3, 2))
conv("dilation 2, stride 4", (1, 11, 10, 2), (3, 3, 2, 2), (4, 4), (2, 2), (2, 2))
conv("groups", (2, 5, 4, 6), (3, 3, 2, 9), (1, 1), (1, 1), (1, 1), 3)
conv("groups, stride 2", (1, 6, 5, 4), (3, 2, 2, 6), (2, 2), (1, 1), (1, 1), 2)
conv("depthwise", (2, 5, 6, 5), (3, 3, 1, 5), (1, 1), (1, 1), (1, 1), 5)
conv("depthwise, stride 2", (1, 7, 6, 3), (3, 3, 1, 3), (2, 2), (1, 1), (1, 1), 3)
conv("depthwise, dilation, stride 3", (1, 9, 8, 3), (3, 3, 1, 3), (3, 3), (2, 2), (2, 2), 3)
conv("depthwise, multiplier", (2, 4, 5, 3), (3, 2, 1, 6), (1, 1), (1, 0), (1, 1), 3)
conv("one by one", (2, 4, 3, 5), (1, 1, 5, 6))
conv("one by one, stride 2", (1, 5, 4, 3), (1, 1, 3, 4), (2, 2))
conv("image of one by one", (2, 1, 1, 3), (3, 3, 3, 4), (1, 1), (1, 1))
conv("image of one by one, kernel too", (1, 1, 1, 4), (1, 1, 4, 3))
conv("kernel as large as the image", (2, 4, 3, 2), (4, 3, 2, 5))
conv("uneven padding", (1, 5, 4, 2), (3, 3, 2, 3), (2, 2), (0, 2, 1, 0))
conv("wide", (1, 3, 14, 7), (3, 3, 7, 5), (1, 1), (1, 1))

transposed("transposed", (2, 3, 4, 3), (3, 2, 2, 3))
transposed("transposed, stride 2", (1, 3, 4, 2), (3, 3, 3, 2), (2, 2), (1, 1), (1, 1))
transposed("transposed, stride 3 by 2", (1, 3, 2, 3), (2, 4, 2, 3), (3, 2), (0, 1), (2, 0))
transposed("transposed, dilation", (1, 4, 3, 2), (3, 2, 2, 2), (2, 1), (1, 0), (1, 0), (2, 3))
transposed("transposed, one by one", (2, 1, 1, 3), (2, 2, 4, 3), (2, 2))

torch_case("sequence", "conv1d", [(2, 9, 3), (3, 3, 4)],
           lambda a, b: F.conv1d(a, b, stride=2, padding=2, dilation=2), [[0, 2, 1], [2, 1, 0]],
           strides=[1, 2], padding=[0, 0, 2, 2], dilation=[1, 2], groups=1)


def pool(name, op, x, window, strides, padding=(0, 0), count=None, dilation=(1, 1), ceil=False, **options):
    if op == "max_pool2d":
        def function(a):
            return F.max_pool2d(a, window, strides, padding, dilation, ceil)
        if dilation != (1, 1) or ceil:
            options |= {"dilation": list(dilation), "rounds_up": ceil}
    else:
        def function(a):
            return F.avg_pool2d(a, window, strides, padding, count_include_pad=count)
    torch_case(name, op, [x], function, [IMAGE], window=list(window), strides=list(strides),
               padding=[padding[0]] * 2 + [padding[1]] * 2, counts_padding=count, **options)


pool("max", "max_pool2d", (2, 6, 5, 3), (2, 2), (2, 2))
pool("max, overlapping", "max_pool2d", (1, 7, 8, 3), (3, 3), (2, 2), (1, 1))
pool("max, uneven window", "max_pool2d", (2, 5, 6, 2), (2, 3), (1, 2), (1, 1))
pool("max, stride larger", "max_pool2d", (1, 7, 8, 2), (2, 1), (3, 4))
pool("max of one by one", "max_pool2d", (2, 1, 1, 3), (1, 1), (1, 1))
pool("max, ties", "max_pool2d", (2, 6, 7, 3), (3, 3), (2, 1), (1, 1), levels=1)
pool("max, NaN", "max_pool2d", (2, 6, 7, 3), (3, 2), (1, 1), (1, 0), nans=True)
pool("max, dilation", "max_pool2d", (2, 7, 8, 3), (2, 3), (1, 2), (1, 1), dilation=(3, 2))
pool("max, dilation, NaN", "max_pool2d", (1, 6, 7, 3), (3, 2), (2, 1), (1, 1), dilation=(2, 3), nans=True)
pool("max, rounded up", "max_pool2d", (1, 6, 8, 2), (3, 3), (2, 2), ceil=True)
pool("max, rounded up, none begins in the padding", "max_pool2d", (1, 5, 4, 2), (2, 2), (3, 2), (1, 1), ceil=True)
pool("max, rounded up, image smaller", "max_pool2d", (1, 2, 5, 2), (3, 2), (2, 2), ceil=True)
pool("max, rounded up, dilation", "max_pool2d", (1, 8, 7, 3), (3, 2), (3, 2), (1, 0), dilation=(2, 3), ceil=True)
pool("average", "average_pool2d", (2, 6, 5, 3), (2, 2), (2, 2), (0, 0), True)
pool("average, padding counts", "average_pool2d", (1, 7, 6, 3), (3, 3), (2, 2), (1, 1), True)
pool("average, padding does not count", "average_pool2d", (1, 7, 6, 3), (3, 3), (2, 2), (1, 1), False)
pool("average, stride larger", "average_pool2d", (1, 7, 8, 2), (2, 3), (3, 4), (1, 0), False)

for size in [(1, 1), (7, 7), (3, 2), (4, 5)]:
    torch_case(f"adaptive to {size[0]} by {size[1]}", "adaptive_average_pool2d", [(2, 6, 5, 2)],
               lambda a, s=size: F.adaptive_avg_pool2d(a, s), [IMAGE], size=list(size))
for size in [(6, 8), (7, 5), (2, 3), (1, 1)]:
    torch_case(f"nearest to {size[0]} by {size[1]}", "nearest", [(1, 3, 4, 3)],
               lambda a, s=size: F.interpolate(a, size=s, mode="nearest"), [IMAGE], size=list(size))
    for corners in [False, True]:
        torch_case(f"bilinear to {size[0]} by {size[1]}{', corners' if corners else ''}", "bilinear",
                   [(1, 3, 4, 3)],
                   lambda a, s=size, c=corners: F.interpolate(a, size=s, mode="bilinear", align_corners=c),
                   [IMAGE], size=list(size), aligns_corners=corners)
for shape, size in [((2, 3, 4, 3), (6, 8)), ((1, 7, 5, 2), (3, 11)), ((1, 1, 2, 3), (4, 1)), ((1, 9, 8, 1), (4, 3))]:
    for corners in [False, True]:
        torch_case(f"bicubic {shape[1]} by {shape[2]} to {size[0]} by {size[1]}{', corners' if corners else ''}",
                   "bicubic", [shape],
                   lambda a, s=size, c=corners: F.interpolate(a, size=s, mode="bicubic", align_corners=c),
                   [IMAGE], size=list(size), aligns_corners=corners)


def tensorflow_case(name, op, shapes, function, **options):
    def run(dtype):
        leaves = [tf.Variable(numbers(shape, seed + 1), dtype=dtype) for seed, shape in enumerate(shapes)]
        with tf.GradientTape() as tape:
            y = function(*leaves)
        seed = tf.constant(numbers(y.shape.as_list(), 9), dtype=dtype)
        return [y.numpy()] + [g.numpy() for g in tape.gradient(y, leaves, output_gradients=seed)]

    add("TensorFlow " + name, op, [list(shape) for shape in shapes], run, same=True, **options)


for x, k, s in [((2, 5, 6, 3), (3, 3, 3, 2), 1), ((1, 7, 6, 2), (3, 3, 2, 3), 2),
                   ((1, 6, 5, 2), (4, 2, 2, 3), 2), ((1, 8, 7, 2), (2, 5, 2, 2), 3),
                   ((1, 7, 8, 2), (1, 1, 2, 3), 2), ((2, 3, 4, 2), (5, 2, 2, 3), 1)]:
    tensorflow_case(f"same {x} {k} stride {s}", "conv2d", [x, k],
                    lambda a, b, s=s: tf.nn.conv2d(a, b, s, "SAME"),
                    strides=[s, s], dilation=[1, 1], groups=1)
for x, k, s in [((1, 3, 4, 2), (3, 3, 3, 2), 2), ((2, 2, 3, 2), (2, 4, 3, 2), 3)]:
    size = (x[0], x[1] * s, x[2] * s, k[2])
    tensorflow_case(f"transposed {x} {k} stride {s}", "conv2d_transpose", [x, k],
                    lambda a, b, s=s, o=size: tf.nn.conv2d_transpose(a, b, o, s, "SAME"),
                    strides=[s, s], dilation=[1, 1], groups=1, output_padding=[0, 0])
for x, w, s in [((1, 7, 6, 2), (3, 2), 2), ((2, 5, 8, 2), (2, 3), 3)]:
    tensorflow_case(f"max {x} {w} stride {s}", "max_pool2d", [x],
                    lambda a, w=w, s=s: tf.nn.max_pool2d(a, w, s, "SAME"), window=list(w), strides=[s, s])
    tensorflow_case(f"average {x} {w} stride {s}", "average_pool2d", [x],
                    lambda a, w=w, s=s: tf.nn.avg_pool2d(a, w, s, "SAME"), window=list(w), strides=[s, s],
                    counts_padding=False)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "convolution.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(f"{len(cases)} cases; PyTorch's float32 is within {float32_error:.1e} of its float64")
