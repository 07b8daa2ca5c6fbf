"""Makes functions.json: values and gradients of functions and losses by PyTorch (or NumPy, where it says so), in float64.

    python make_function_fixtures.py

Each case has inputs, the value, and the gradient of Σ value · cos(position) by each floating point input.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
cases = []


def plain(tensor):
    values = tensor.detach().reshape(-1).tolist()
    if tensor.dtype == torch.bool:
        values = [int(v) for v in values]
    return {
        "shape": list(tensor.shape), "dtype": {torch.float64: "f64", torch.bool: "bool"}.get(tensor.dtype, "i32"),
        "values": [("inf" if v > 0 else "-inf") if isinstance(v, float) and math.isinf(v) else
                   (float(f"{v:.12g}") if isinstance(v, float) else v) for v in values],
    }


def fixed(tensor):
    """An input that is not differentiated by."""
    return (tensor,)


def case(name, function, *inputs):
    """Of a function of tensors; those of floating point are differentiated by, unless fixed."""
    inputs = [i[0] if isinstance(i, tuple) else i.clone().requires_grad_(i.dtype == torch.float64) for i in inputs]
    value = function(*inputs)
    entry = {"name": name, "inputs": [plain(i) for i in inputs], "value": plain(value)}
    if value.dtype == torch.float64 and value.requires_grad:
        weights = torch.cos(torch.arange(value.numel(), dtype=torch.float64)).reshape(value.shape)
        finite = torch.isfinite(value)
        loss = (torch.where(finite, value, 0.0) * weights).sum()
        leaves = [i for i in inputs if i.requires_grad]
        gradients = iter(torch.autograd.grad(loss, leaves, allow_unused=True))
        entry["gradients"] = [
            plain(torch.zeros_like(i) if (g := next(gradients)) is None else g) if i.requires_grad else None
            for i in inputs
        ]
    cases.append(entry)


def draw(*shape):
    # Rounded, so that the file is small and ties cannot hide.
    return (torch.randn(*shape) * 1000).round() / 1000


def last(function, axes=(1,)):
    """A function of images and volumes, whose channels come last here."""
    return lambda x, *rest: function(x.movedim(-1, 1), *rest).movedim(1, -1)


def kernel(k, transposed=False):
    """[taps…, in, out] as PyTorch's [out, in, taps…]; of a transposed one [in, out, taps…] from [taps…, out, in]."""
    return k.movedim((-1, -2), (0, 1))


# Activations
x = draw(3, 5) * 2
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), x)
case("mish", F.mish, x)
case("selu", F.selu, x)
case("celu", lambda x: F.celu(x, 0.7), x)
case("softsign", F.softsign, x)
case("softshrink", lambda x: F.softshrink(x, 0.4), x)
case("hardshrink", lambda x: F.hardshrink(x, 0.4), x)
case("hard_sigmoid", F.hardsigmoid, x * 2)
case("hard_tanh", F.hardtanh, torch.tensor([-2.0, -1.0, 0.3, 1.0, 2.0]))
case("relu6", F.relu6, torch.tensor([-2.0, 0.0, 3.0, 6.0, 7.0]))
case("clamp", lambda x: x.clamp(-1, 1), torch.tensor([-2.0, -1.0, 0.3, 1.0, 2.0]))
case("threshold", lambda x: F.threshold(x, 0.5, 0), x)
case("prelu", F.prelu, draw(3, 4), torch.tensor([0.1, 0.2, 0.3, 0.4]))
case("log_sigmoid", F.logsigmoid, x * 20)
case("trunc", torch.trunc, x)
case("remainder", torch.remainder, torch.tensor([5.5, -5.5, 5.5, -5.5, 6.0]), torch.tensor([2.0, 2.0, -2.0, -2.0, 3.0]))
case("remainder of integers", torch.remainder, torch.tensor([7, -7, 7, -7, 6]), torch.tensor([3, 3, -3, -3, 3]))
for name in ("tan", "sinh", "cosh", "asinh", "atan"):
    case(name, getattr(torch, name), x / 4)
for name in ("asin", "acos", "atanh"):
    case(name, getattr(torch, name), x.clamp(-3, 3) / 4)
case("acosh", torch.acosh, x.abs() + 1.5)

# Reductions
x = draw(2, 3, 4)
case("log_sum_exp", lambda x: x.logsumexp((0, 2)), x * 100)
case("log_sum_exp of nothing", lambda x: x.logsumexp(1), torch.tensor([[1.0, -math.inf], [2.0, 3.0]]))
case("variance", lambda x: x.var((1,)), x)
case("norm 1", lambda x: x.norm(1, -1), x)
case("norm 2", lambda x: x.norm(2, -1), torch.cat([x, torch.zeros(1, 3, 4)]))
case("norm 3", lambda x: x.norm(3, (0, 1)), x)

# Looking up and scattering
x, at = draw(3, 4, 2), torch.tensor([[[0, 3], [2, 2]], [[1, 1], [3, 0]]])
case("gather_elements", lambda x, i: x.gather(1, i), x, at)
case("scatter_elements", lambda x, i, u: x.scatter(1, i, u), x, torch.tensor([[[0, 3], [2, 1]], [[1, 2], [3, 0]]]), draw(2, 2, 2))
for name in ("sum", "prod", "amax", "amin"):
    case(f"scatter_elements {name}", lambda x, i, u: x.scatter_reduce(1, i, u, name), x, at, draw(2, 2, 2))
case("gather_nd", lambda x, i: x[i[:, 0], i[:, 1]], x, torch.tensor([[0, 3], [2, 1], [0, 3]]))
case("gather_nd batched", lambda x, i: torch.stack([x[b][i[b, :, 0]] for b in range(3)]), x, torch.tensor([[[0], [3]], [[1], [1]], [[2], [0]]]))
case("scatter_nd", lambda x, i, u: x.index_put((i[:, 0], i[:, 1]), u), x, torch.tensor([[0, 3], [2, 1]]), draw(2, 2))
case("scatter_nd adding", lambda x, i, u: x.index_put((i[:, 0],), u, accumulate=True), x, torch.tensor([[1], [1], [0]]), draw(3, 4, 2))
case("topk", lambda x: x.topk(3, 1)[0], x)
case("topk smallest", lambda x: x.topk(2, 0, largest=False)[1].int(), x)
case("argsort", lambda x: x.sort(dim=1, descending=True, stable=True)[1].int(), x)

# Moving
x = draw(2, 3, 4)
for mode in ("reflect", "replicate", "circular"):
    case(f"pad {mode}", lambda x: F.pad(x, (2, 3), mode=mode), x)
case("tile", lambda x: x.tile(2, 1, 3), x)
case("triu", lambda x: x.triu(1), x)
case("tril", lambda x: x.tril(-1), x)
case("pixel_shuffle", last(lambda x: F.pixel_shuffle(x, 2)), draw(1, 2, 3, 8))
case("pixel_unshuffle", last(lambda x: F.pixel_unshuffle(x, 2)), draw(1, 4, 6, 2))
case("einsum products", lambda a, b: torch.einsum("bij,bjk->bik", a, b), draw(2, 3, 4), draw(2, 4, 2))
case("einsum three", lambda a, b, c: torch.einsum("ij,jk,kl->li", a, b, c), draw(2, 3), draw(3, 4), draw(4, 2))
case("einsum trace", lambda a: torch.einsum("bii->b", a), draw(2, 3, 3))
case("einsum implicit", lambda a, b: torch.einsum("ba,c", a, b), draw(2, 3), draw(2))
case("einsum dots", lambda a, b: torch.einsum("...ij,...j->i...", a, b), draw(2, 3, 4), draw(2, 4))
case("einsum elements", lambda a, b: torch.einsum("ij,ij->ij", a, b), draw(2, 3), draw(2, 3))

# Windows
case("conv3d", last(lambda x, k: F.conv3d(x, kernel(k), stride=(2, 1, 1), padding=(1, 0, 1), dilation=(1, 2, 1), groups=2)),
     draw(1, 4, 4, 3, 4), draw(2, 2, 2, 2, 4))
case("conv3d_transpose", last(lambda x, k: F.conv_transpose3d(x, kernel(k), stride=(2, 1, 2), padding=(1, 0, 1), output_padding=(1, 0, 1))),
     draw(1, 2, 3, 2, 2), draw(3, 2, 2, 3, 2))
case("conv1d_transpose", last(lambda x, k: F.conv_transpose1d(x, kernel(k), stride=2, padding=1, output_padding=1)), draw(2, 4, 3), draw(3, 2, 3))
case("max_pool1d", last(lambda x: F.max_pool1d(x, 3, 2, 1, 2, True)), draw(2, 9, 2))
case("average_pool1d", last(lambda x: F.avg_pool1d(x, 3, 2, 1, True, True)), draw(2, 8, 2))
case("max_pool3d", last(lambda x: F.max_pool3d(x, (2, 2, 1), (1, 2, 1), (1, 0, 0))), draw(1, 3, 4, 2, 2))
case("average_pool3d", last(lambda x: F.avg_pool3d(x, (2, 3, 1), (1, 2, 1), (1, 1, 0), count_include_pad=False)), draw(1, 3, 4, 2, 2))
for counts in (True, False):
    case(f"average_pool2d up {counts}", last(lambda x: F.avg_pool2d(x, (3, 2), 2, 1, True, counts)), draw(1, 6, 5, 2))


def dilated(x):
    # Of windows with gaps PyTorch has no mean: a depthwise convolution, divided by what it makes of ones.
    ones = torch.ones(x.shape[1], 1, 2, 2)
    convolve = lambda x: F.conv2d(x, ones, padding=1, dilation=2, groups=x.shape[1])
    return convolve(x) / convolve(torch.ones_like(x))


case("average_pool2d dilated", last(dilated), draw(1, 5, 4, 2))
case("lp_pool2d", last(lambda x: F.lp_pool2d(x, 3, 2, 1)), draw(1, 4, 3, 2).abs())

# Resampling, of channels last
for mode in ("linear", "nearest"):
    case(f"resample {mode}", last(lambda x: F.interpolate(x, 7, mode=mode)), draw(2, 4, 2))
case("resample corners", last(lambda x: F.interpolate(x, (3, 7), mode="bicubic", align_corners=True)), draw(1, 4, 5, 2))
case("resample smoothed", last(lambda x: F.interpolate(x, (3, 4), mode="bilinear", antialias=True)), draw(1, 7, 9, 2))
case("resample smoothed cubic", last(lambda x: F.interpolate(x, (3, 4), mode="bicubic", antialias=True)), draw(1, 7, 9, 2))

grid = draw(2, 3, 2, 2) * 0.9
for mode in ("bilinear", "nearest"):
    for padding in ("zeros", "border", "reflection"):
        corners = padding == "border"
        case(f"grid {mode} {padding}", lambda x, g: F.grid_sample(
            x.movedim(-1, 1), g, mode, padding, align_corners=corners).movedim(1, -1), draw(2, 4, 5, 2), grid)
case("grid reflection corners", lambda x, g: F.grid_sample(
    x.movedim(-1, 1), g, "bilinear", "reflection", align_corners=True).movedim(1, -1), draw(2, 4, 5, 2), grid * 2)

# Normalising
x = draw(2, 3, 4)
case("standardized", lambda x: F.layer_norm(x, (3, 4)), x)
case("rms_norm", lambda x: F.rms_norm(x, (4,), eps=1e-5), x)
case("rms_norm layer", lambda x: F.rms_norm(x, (4,), eps=1e-6), x)
case("normalize", lambda x: F.normalize(x, p=3, dim=1), x)
case("local_response_norm", last(lambda x: F.local_response_norm(x, 3, alpha=0.1, beta=0.6, k=1.5)), draw(1, 2, 2, 6))

# Attention
q, k, v = draw(2, 2, 3, 4), draw(2, 2, 5, 4), draw(2, 2, 5, 2)
attention = F.scaled_dot_product_attention
seen = torch.rand(2, 1, 3, 5) > 0.4
seen[..., 0] = True
case("attention", attention, q, k, v)
case("attention causal", lambda q, k, v: attention(q, k, v, is_causal=True, scale=0.3), q, k, v)
case("attention seen", lambda q, k, v, m: attention(q, k, v, m), q, k, v, seen)
case("attention added", lambda q, k, v, m: attention(q, k, v, m), q, k, v, draw(3, 5))
case("attention shared", lambda q, k, v: attention(q, k, v, enable_gqa=True), draw(1, 4, 3, 2), draw(1, 2, 3, 2), draw(1, 2, 3, 2))


def rotary(x, c, s):
    n = c.shape[-1]
    a, b, rest = x[..., :n], x[..., n:2 * n], x[..., 2 * n:]
    return torch.cat([a * c - b * s, a * s + b * c, rest], -1)


angles = draw(3, 2)
case("rotary", rotary, draw(2, 3, 5), fixed(angles.cos()), fixed(angles.sin()))
case("rotary interleaved", lambda x, c, s: torch.view_as_real(torch.view_as_complex(x.reshape(2, 3, 2, 2)) * torch.complex(c, s)).reshape(2, 3, 4),
     draw(2, 3, 4), fixed(angles.cos()), fixed(angles.sin()))

# Losses
logits, labels = draw(4, 3) * 2, torch.tensor([0, 2, 1, 2])
ignored, weights = torch.tensor([0, -100, 1, 2]), torch.tensor([0.5, 2.0, 1.5])
for reduction in ("none", "mean", "sum"):
    case(f"cross_entropy {reduction}",
         lambda x, l, w: F.cross_entropy(x, l, w, ignore_index=-100, label_smoothing=0.1, reduction=reduction), logits, ignored, fixed(weights))
case("cross_entropy plain", F.cross_entropy, logits, labels)
case("cross_entropy smoothed", lambda x, l: F.cross_entropy(x, l, label_smoothing=0.2), logits, labels)
case("nll", lambda x, l, w: F.nll_loss(F.log_softmax(x, -1), l, w, ignore_index=-100), logits, ignored, fixed(weights))
case("nll none", lambda x, l: F.nll_loss(x, l, reduction="none"), logits, labels)
truth = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])


def focal(x, z, gamma=2.0, alpha=0.25):
    # torchvision.ops.sigmoid_focal_loss
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, z, reduction="none")
    at = p * z + (1 - p) * (1 - z)
    return (alpha * z + (1 - alpha) * (1 - z)) * ce * (1 - at) ** gamma


case("focal", focal, logits, truth)
case("focal 1.5", lambda x, z: focal(x, z, 1.5, 0.4), logits, truth)
a, b, c = draw(4, 3), draw(4, 3), draw(4, 3)
case("huber", lambda a, b: F.huber_loss(a, b, reduction="none", delta=0.8), a, b)
case("hinge", lambda a, y: F.relu(1 - a * y), a, fixed(torch.sign(b)))
case("multi_margin", lambda x, l: F.multi_margin_loss(x, l, reduction="none"), logits, labels)
case("multi_margin 2", lambda x, l: F.multi_margin_loss(x, l, p=2, margin=0.7, reduction="none"), logits, labels)
case("cosine", lambda a, b: F.cosine_similarity(a, b, -1), a, b)
case("cosine of zero", lambda a, b: F.cosine_similarity(a, b, 0), torch.tensor([[0.0, 1.0], [0.0, 2.0]]), torch.tensor([[1.0, 3.0], [2.0, -1.0]]))
case("triplet", lambda a, b, c: F.triplet_margin_loss(a, b, c, reduction="none"), a, b, c)
case("triplet swapped", lambda a, b, c: F.triplet_margin_loss(a, b, c, margin=2, p=3, swap=True, reduction="none"), a, b, c)
unit = lambda x: F.normalize(x, dim=-1)
case("info_nce", lambda q, k: F.cross_entropy(unit(q) @ unit(k).T / 0.5, torch.arange(4)), a, b)
case("info_nce symmetric", lambda q, k: (F.cross_entropy(unit(q) @ unit(k).T / 0.5, torch.arange(4))
                                         + F.cross_entropy(unit(k) @ unit(q).T / 0.5, torch.arange(4))) / 2, a, b)
case("info_nce queue", lambda q, k, n: F.cross_entropy(torch.cat([unit(q) @ unit(k).T, unit(q) @ unit(n).T], 1) / 0.5, torch.arange(4)), a, b, draw(2, 3))
case("kl", lambda x, p: F.kl_div(F.log_softmax(x, -1), p, reduction="none").sum(-1), logits, fixed(F.softmax(a, -1)))
case("distillation", lambda x, t: F.kl_div(F.log_softmax(x / 3, -1), F.softmax(t / 3, -1), reduction="batchmean") * 9, logits, fixed(a))

# CTC, by logits: PyTorch's gradient by logarithms counts on a log_softmax before it.
steps = draw(3, 6, 4)
words = torch.tensor([[1, 1, 2], [3, 2, 0], [2, 2, 2]])
ctc = lambda x, w, n, m: F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), w, n, m, reduction="none")
case("ctc", ctc, steps, words, torch.tensor([6, 4, 6]), torch.tensor([3, 2, 3]))
case("ctc of none", ctc, steps[:2], words[:2], torch.tensor([6, 5]), torch.tensor([0, 2]))
whole = torch.tensor([6, 6, 6])
case("ctc blank last", lambda x, w: F.ctc_loss(F.log_softmax(x, -1).transpose(0, 1), w, whole, torch.tensor([2, 2, 2]), blank=3, reduction="none"),
     steps, torch.tensor([[1, 1], [0, 2], [2, 0]]))

# Masks
mask = torch.tensor([[True, False, True], [True, True, True], [False, True, False], [True, False, False]])
case("masked_softmax", lambda x, m: x.masked_fill(~m, -math.inf).softmax(-1), logits, mask)
case("masked_mean", lambda x, m: (x * m).sum(1) / m.sum(1), logits, mask)

Path(__file__).with_name("functions.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
