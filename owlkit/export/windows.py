"""Layers with a sliding window, in ONNX, with Caffe's rounding and its divisors."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.export.rules import NotInOnnx, rule
from owlkit.export.writer import Writer
from owlkit.proto import caffe_pb2


@rule("Convolution", "Deconvolution")
def convolution(w: Writer) -> None:
    assert w.node is not None
    layer, window = w.layer, w.layer.window
    if layer.axis != 1:
        raise NotInOnnx(f"axis {layer.axis}; ONNX has channels on axis 1 only")
    kind = "Conv" if layer.type == "Convolution" else "ConvTranspose"
    flat = not window.kernel  # (N, C): a window of one pixel on an axis made for it
    weights = [w.param(i) for i in range(len(layer.blobs))]
    if flat:
        weights[0] = w.param(0, layer.blobs[0].data[..., None])
    shape: dict[str, Any] = {
        "kernel_shape": window.kernel or (1,), "strides": window.stride or (1,),
        "pads": window.pad * 2 or (0, 0), "dilations": window.dilation or (1,), "group": layer.group,
    }  # fmt: skip
    for index in range(len(w.node.bottom)):
        x = w.bottom(index)
        if flat:
            x = w.op("Unsqueeze", x, w.constant([2], np.int64))
        y = w.op(kind, x, *weights, **shape)
        w.top(w.op("Squeeze", y, w.constant([2], np.int64)) if flat else y, index)


@rule("Pooling")
def pooling(w: Writer) -> None:
    assert w.node is not None
    layer = w.layer
    if len(w.node.top) > 1:
        raise NotInOnnx("a second top (where the maxima are)")
    if layer.method == "stochastic":
        raise NotInOnnx("STOCHASTIC pooling")
    w.top(pool(w, w.bottom(), layer.method, layer.kernel_shape, layer.stride, layer.pad))


def pool(
    w: Writer,
    x: str,
    method: str,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    size: tuple[int, ...] | None = None,
) -> str:
    """Pooling of a tensor with the lengths of bottom 0, into a plane of `size` (by default the top's)."""
    assert w.node is not None
    lengths = w.blob().shape[2:]
    size = size or w.node.top[0].shape[2:]
    # Padding at the end that makes ONNX, which rounds down, count the windows that Caffe counts.
    reach = [(n - 1) * s + k for n, s, k in zip(size, stride, kernel, strict=True)]
    after = [max(r - length - p, 0) for r, length, p in zip(reach, lengths, pad, strict=True)]
    shape: dict[str, Any] = {"kernel_shape": kernel, "strides": stride, "pads": [*pad, *after]}
    _check_windows(lengths, size, stride, pad)
    if method == "max":
        return str(w.op("MaxPool", x, **shape))
    y = w.op("AveragePool", x, count_include_pad=1, **shape)
    factor = _divisors(lengths, kernel, stride, pad, size)
    return y if np.all(factor == 1) else w.op("Mul", y, w.constant(factor))


def _check_windows(
    lengths: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...], pad: tuple[int, ...]
) -> None:
    if any((n - 1) * s - p >= length for length, n, s, p in zip(lengths, size, stride, pad, strict=True)):
        raise NotInOnnx("windows that hold no input (stride > kernel)")


def _divisors(
    lengths: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    size: tuple[int, ...],
) -> np.ndarray:
    """Whole window / Caffe's divisor, (1, 1, H, W): padding counts, what hangs over beyond it does not."""
    parts = []
    for length, k, s, p, n in zip(lengths, kernel, stride, pad, size, strict=True):
        start = np.arange(n) * s - p
        parts.append(k / (np.minimum(start + k, length + p) - start))
    return np.multiply.outer(*parts)[None, None].astype(np.float32)


@rule("SPP")
def pyramid(w: Writer) -> None:
    layer, x = w.layer, w.blob()
    levels = []
    for number, level in enumerate(layer.levels):
        if level.method == "stochastic":
            raise NotInOnnx("STOCHASTIC pooling")
        parts = 2**number
        y = pool(w, w.bottom(), level.method, level.kernel_shape, level.stride, level.pad, (parts, parts))
        levels.append(y if layer.height == 1 else w.reshape(y, (x.shape[0], x.shape[1] * parts**2)))
    w.top(levels[0] if layer.height == 1 else w.op("Concat", *levels, axis=1))


@rule("LRN")
def lrn(w: Writer) -> None:
    p, x = w.layer.param.lrn_param, w.bottom()
    n = p.local_size
    if p.norm_region == caffe_pb2.LRNParameter.ACROSS_CHANNELS:
        w.top(w.op("LRN", x, alpha=p.alpha, beta=p.beta, bias=p.k, size=n))
        return
    half = (n - 1) // 2  # within a channel everything outside counts as 0, and k as 1 (Caffe)
    sums = w.op("Mul", x, x)
    mean = w.op(
        "AveragePool", sums, kernel_shape=[n, n], strides=[1, 1], pads=[half] * 4, count_include_pad=1
    )
    energy = w.op("Add", w.op("Mul", mean, w.constant(p.alpha)), w.constant(1.0))
    w.top(w.op("Mul", x, w.op("Pow", energy, w.constant(-p.beta))))
