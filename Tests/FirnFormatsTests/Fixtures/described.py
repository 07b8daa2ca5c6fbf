"""How the scripts beside this one describe an array: as Firn should read it."""

import numpy as np
import torch

NUMPY_NAMES = {
    "float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32",
    "int16": "i16", "int8": "i8", "uint64": "u64", "uint32": "u32", "uint16": "u16", "uint8": "u8", "bool": "bool",
    "complex64": "complex64", "complex128": "complex128", "float8_e4m3fn": "f8e4m3", "float8_e5m2": "f8e5m2",
}


def described(name, array, **more):
    """An array as bytes; of the types that Firn converts, as it should come out."""
    kind = NUMPY_NAMES[str(array.dtype).removeprefix("torch.")]
    if isinstance(array, torch.Tensor):
        array = array.detach()
        if kind == "bf16":
            array = array.float()
        elif kind.startswith("f8"):
            array = array.view(torch.uint8)
        shape, array = list(array.shape), array.contiguous().numpy()
    else:
        shape = list(array.shape)
    read = array
    if kind in ("f16", "bf16"):
        read = array.astype("<f4")
    elif kind[0] in "iu":
        read = array.astype("<i4")
    return {"name": name, "type": kind, "shape": shape, "hex": np.ascontiguousarray(read).astype(read.dtype.newbyteorder("<")).tobytes().hex(), **more}
