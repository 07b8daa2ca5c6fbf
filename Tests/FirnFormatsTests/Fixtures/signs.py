"""Makes signs.pth: tensors whose negative or conjugate bit is set, and what PyTorch itself reads of them.

    pip install torch
    python signs.py

signs.json has for each name the bytes of the tensor with its bits resolved, in hexadecimal.
"""

import json
from pathlib import Path

import torch

here = Path(__file__).parent
complex64 = torch.tensor([[1 + 2j, 3 - 4j], [0 + 0j, -5 + 0.5j]])
complex128 = complex64.to(torch.complex128) * 3
tensors = {
    "imaginary": complex64.clone().conj().imag,
    "real": complex64.clone().conj().real,
    "transposed": complex128.clone().conj().imag.t(),
    "conjugate": complex64.clone().conj(),
    # Nothing is 0 here: which sign a zero gets of both bits depends on the kernel.
    "both": torch._neg_view((complex128 + (1 + 1j)).clone().conj()),
    "plain": torch.tensor([1.5, -2.5]),
    "f16": torch._neg_view(torch.tensor([1.5, -2.5, 0.0], dtype=torch.float16)),
    "bf16": torch._neg_view(torch.tensor([1.5, -2.5, 0.0], dtype=torch.bfloat16)),
    "i64": torch._neg_view(torch.tensor([7, -8, 0])),
    "i8": torch._neg_view(torch.tensor([7, -128, 0], dtype=torch.int8)),
    "u8": torch._neg_view(torch.tensor([7, 0, 255], dtype=torch.uint8)),
    "column": torch._neg_view(torch.arange(6, dtype=torch.float32).reshape(2, 3))[:, 1],
}
torch.save(tensors, here / "foreign/signs.pth")
expected = {}
for name, tensor in torch.load(here / "foreign/signs.pth", weights_only=True).items():
    resolved = tensor.resolve_conj().resolve_neg().contiguous()
    expected[name] = bytes(resolved.reshape(-1).view(torch.uint8).tolist()).hex()
(here / "signs.json").write_text(json.dumps(expected, indent=1) + "\n")
