"""Layers with a sliding window, in ONNX, with Caffe's rounding and its divisors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from owlkit.export.rules import NotInOnnx, rule
from owlkit.export.writer import Writer
from owlkit.proto import caffe_pb2


@rule("Convolution", "Deconvolution")
def convolution(w: Writer) -> None:
    assert w.node is not None
    layer = w.layer
    flat = not layer.window.kernel  # (N, C): a window of one pixel on an axis made for it
    weights = [w.param(i) for i in range(len(layer.blobs))]
    if flat:
        weights[0] = w.param(0, layer.blobs[0].data[..., None])
    kind = "Conv" if layer.type == "Convolution" else "ConvTranspose"
    for index in range(len(w.node.bottom)):
        w.top(_filter(w, kind, weights, layer.group, index, flat), index)


def _filter(w: Writer, kind: str, weights: list[str], group: int, index: int = 0, flat: bool = False) -> str:
    """A convolution of bottom `index` whose result has the shape of top `index`."""
    assert w.node is not None
    window, axis, shape = w.layer.window, w.layer.axis, w.blob(index).shape
    settings: dict[str, Any] = {
        "kernel_shape": window.kernel or (1,), "strides": window.stride or (1,),
        "pads": window.pad * 2 or (0, 0), "dilations": window.dilation or (1,), "group": group,
    }  # fmt: skip
    x = w.bottom(index)
    if axis != 1 or flat:  # ONNX has one axis before the channels, and at least one after them
        x = w.reshape(x, (math.prod(shape[:axis]), *shape[axis:], *(1,) * flat))
    y = str(w.op(kind, x, *weights, **settings))
    return w.reshape(y, w.node.top[index].shape) if axis != 1 or flat else y


@rule("Im2col")
def im2col(w: Writer) -> None:
    """A convolution of every channel with filters that pick one point of the window each."""
    kernel, channels = w.layer.window.kernel, w.blob().shape[w.layer.axis]
    points = math.prod(kernel)
    filters = np.tile(np.eye(points), (channels, 1)).reshape(channels * points, 1, *kernel)
    w.top(_filter(w, "Conv", [w.constant(filters)], channels))


@rule("Pooling")
def pooling(w: Writer) -> None:
    assert w.node is not None
    layer = w.layer
    window = (layer.kernel_shape, layer.stride, layer.pad)
    if len(w.node.top) == 1:
        w.top(pool(w, w.bottom(), layer.method, *window))
        return
    y, places = w.op("MaxPool", w.bottom(), outputs=2, **_settings(w, *window))
    plane = math.prod(w.blob().shape[2:])  # ONNX counts through all planes, Caffe in each anew
    w.top(y, 0)
    w.top(w.op("Cast", w.op("Mod", places, w.constant(plane, np.int64)), to=1), 1)


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
    size = size or w.node.top[0].shape[2:]
    settings = _settings(w, kernel, stride, pad, size)
    if method == "max":
        return str(w.op("MaxPool", x, **settings))
    if method == "stochastic":
        return _expected(w, x, settings)
    y = w.op("AveragePool", x, count_include_pad=1, **settings)
    factor = _divisors(w.blob().shape[2:], kernel, stride, pad, size)
    return str(y if np.all(factor == 1) else w.op("Mul", y, w.constant(factor)))


def _settings(
    w: Writer,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    size: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """Window and padding, at the end so much that ONNX, which rounds down, counts Caffe's windows."""
    assert w.node is not None
    lengths, size = w.blob().shape[2:], size or w.node.top[0].shape[2:]
    _check_windows(lengths, size, stride, pad)
    reach = [(n - 1) * s + k for n, s, k in zip(size, stride, kernel, strict=True)]
    after = [max(r - length - p, 0) for r, length, p in zip(reach, lengths, pad, strict=True)]
    return {"kernel_shape": kernel, "strides": stride, "pads": [*pad, *after]}


def _expected(w: Writer, x: str, settings: dict[str, Any]) -> str:
    """STOCHASTIC pooling in the test phase: the sum of squares / the sum, 0 where that is not positive."""
    squares, sums = (
        w.op("AveragePool", tensor, count_include_pad=1, **settings) for tensor in (w.op("Mul", x, x), x)
    )
    zero = w.constant(0.0)
    return str(w.op("Where", w.op("Greater", sums, zero), w.op("Div", squares, sums), zero))


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
