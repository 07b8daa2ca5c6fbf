"""Makes numpy.json: arrays as NumPy prints them, and as it transposes, slices, adds up and divides them.

    pip install numpy
    python make_numpy_fixtures.py

An array that is printed is given by the formula of `patterned` or by its numbers.
"""

import json
from pathlib import Path

import numpy as np

TYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "bool": np.bool_}


def number(value):
    """JSON has no NaN and no infinity."""
    return float(value) if np.isfinite(value) else str(value)


def stored(array):
    kind = next(name for name, dtype in TYPES.items() if array.dtype == dtype)
    return {"dtype": kind, "shape": list(array.shape), "values": [number(x) for x in array.reshape(-1)]}


def patterned(shape, dtype, scale):
    """What NDArrayFixtureTests makes too: whole numbers of -1000 to 1000, times `scale`."""
    count = int(np.prod(shape))
    values = ((np.arange(count, dtype=np.int64) * 7919) % 2001 - 1000) * scale
    return values.astype(TYPES[dtype]).reshape(shape)


printed = []


def show(values, dtype="f64"):
    array = np.array(values, dtype=TYPES[dtype])
    printed.append({"array": stored(array), "text": str(array)})


def show_patterned(shape, dtype, scale):
    text = str(patterned(shape, dtype, scale))
    printed.append({"shape": list(shape), "dtype": dtype, "scale": scale, "text": text})


for dtype in ["f32", "f64"]:
    for values in [
        [1, 2.5, -3], [[1, 2.5], [3, 4]], [0.1, 0.2, 0.30000001], [1 / 3, -2 / 3, 100 / 7], [0, -0.0, 1],
        [1e-4, 1], [9.9e-5, 1], [1e-5], [1e5, 1], [1000, 1], [1001, 1], [999999, 12345], [1e6, 1e5], [1e7, 2e7],
        [99999999, 5e7], [1e8], [123456789.123], [1.5e-10, 3], [1e30, 1e-30], [np.nan, 1, np.inf],
        [-np.inf, 0.25], [np.nan], [np.inf, -np.inf], [1e-8, np.nan, -np.inf], [[np.nan, 1e10], [1, 2]], [[[1]]],
        [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [0.999999999, 0.5], [9.9999999999, 1], [99999.999999, 101],
        [1.00000001, 2], [1.000000005, 2], [0.123456785, 0.5], [0.123456775, 0.5], [2.0**-9, 0.5], [2.0**-10, 0.5],
        [1.234567885e-10, 2], [5e-324, 1], [1e100, 1.5e-300], [3.4e38, 1.2e-38], [0.0], [-0.0], [],
        1.5, 2, 1e-5, 1.5e-5, 1e16, 123456.789, 999999, 1e6, 1e7, 1e15, 1e-4, np.nan, -np.inf, -0.0, 0.1, 1 / 3,
    ]:
        with np.errstate(over="ignore"):
            show(values, dtype)
show([1, -20, 300], "i32")
show([[1, 2], [-3, 4]], "i32")
show(-7, "i32")
show([], "i32")
show([2147483647, -2147483648], "i32")
show([True, False], "bool")
show([[True, True], [False, True]], "bool")
show(True, "bool")
for shape in [(30,), (7, 25), (2, 3, 4), (2, 2, 2, 2), (1000,), (1001,), (40, 30), (6, 200), (9, 9, 20), (3, 400)]:
    for dtype, scale in [("f32", 0.125), ("f64", 1 / 7), ("f32", 1e-3), ("f64", 1e6), ("i32", 1)]:
        if shape in [(1000,), (9, 9, 20)] and dtype != "i32":
            continue
        show_patterned(shape, dtype, scale)

computed = []


def case(name, array, result, **arguments):
    computed.append({"name": name, "array": stored(array), "result": stored(np.asarray(result)), **arguments})


cube = patterned((2, 3, 4), "f32", 0.125)
case("transposed", cube, cube.transpose(2, 0, 1), axes=[2, 0, 1])
case("transposed", cube, cube.transpose(-1, 1, 0), axes=[-1, 1, 0])
case("transposed", cube, cube.T)
case("transposed", patterned((3, 5), "bool", 1) , patterned((3, 5), "bool", 1).T)
case("sliced", cube, cube[:, 1:3], axis=1, start=1, end=3)
case("sliced", cube, cube[..., -3:], axis=-1, start=-3)
case("sliced", cube, cube[1:1], axis=0, start=1, end=1)
case("sliced", cube, cube[..., 1:-1], axis=2, start=1, end=-1)
case("element", cube, cube[1], axis=0, start=1)
case("element", cube, cube[:, -1], axis=1, start=-1)
case("element", cube, cube[..., -2], axis=-1, start=-2)
for kind in ["f32", "f64", "i32"]:
    a, b = patterned((2, 3, 4), kind, 0.37 if kind != "i32" else 1), patterned((3, 1), kind, 1.7 if kind != "i32" else 3)
    b[0, 0] = 5
    for sign, result in [("+", a + b), ("-", a - b), ("*", a * b)]:
        case(sign, a, result, other=stored(b))
    if kind != "i32":
        case("/", a, a / b, other=stored(b))
    else:
        case("/", a, np.trunc(a / b).astype(np.int32), other=stored(b))
    for axes in [None, [0], [-1], [0, 2], [1, 2]]:
        for keeps in [False, True]:
            how = {"axis": None if axes is None else tuple(axes), "keepdims": keeps}
            wide = a.astype(np.float64)
            case("sum", a, wide.sum(**how).astype(a.dtype), axes=axes, keeps=keeps)
            case("mean", a, wide.mean(**how).astype(np.float64 if kind == "i32" else a.dtype), axes=axes, keeps=keeps)
            case("max", a, a.max(**how), axes=axes, keeps=keeps)
            case("min", a, a.min(**how), axes=axes, keeps=keeps)
holed = cube.copy()
holed[0, 1, 2] = np.nan
case("max", holed, holed.max(axis=-1), axes=[-1], keeps=False)
case("min", holed, holed.min(axis=0), axes=[0], keeps=False)

close = []
for a, b in [
    ([1, 2], [1, 2 + 2e-5]), ([1, 2], [1, 2 + 1.9e-5]), ([0], [1e-8]), ([0], [2e-8]), ([np.inf], [np.inf]),
    ([np.inf], [-np.inf]), ([np.inf], [1]), ([1], [np.inf]), ([np.nan], [np.nan]), ([1e10, 1], [1.00001e10, 1.1]),
]:
    a, b = np.array(a, np.float64), np.array(b, np.float64)
    close.append({"a": stored(a), "b": stored(b), "close": bool(np.allclose(a, b)),
                  "nan": bool(np.allclose(a, b, equal_nan=True))})

lines = {"printed": printed, "computed": computed, "close": close}
text = ",\n".join(f'"{key}": [\n' + ",\n".join(json.dumps(each, separators=(",", ":")) for each in rows) + "\n]"
                  for key, rows in lines.items())
(Path(__file__).parent / "numpy.json").write_text("{\n" + text + "\n}\n")
print(len(printed), "printed,", len(computed), "computed,", len(close), "compared")
