"""Layers that treat every element by itself, in ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from owlkit.export.rules import rule
from owlkit.export.writer import Writer
from owlkit.proto import caffe_pb2

_SAME = {"Sigmoid": "Sigmoid", "TanH": "Tanh", "AbsVal": "Abs", "BNLL": "Softplus"}


@rule(*_SAME)
def same(w: Writer) -> None:
    """Layers that ONNX has under another name."""
    w.top(w.op(_SAME[w.layer.type], w.bottom()))


@rule("Dropout", "Split")
def passed_on(w: Writer) -> None:
    """Dropout does nothing in the test phase; a Split is no computation."""
    assert w.node is not None
    tensor = w.bottom()
    if w.is_input(tensor):  # in place on an input, which stays what it is: the top needs a name
        tensor = w.op("Identity", tensor)
    for index in range(len(w.node.top)):
        w.top(tensor, index)


@rule("Silence")
def nothing(w: Writer) -> None:
    """It has no top."""


@rule("ReLU")
def relu(w: Writer) -> None:
    slope = w.layer.param.relu_param.negative_slope
    w.top(w.op("LeakyRelu", w.bottom(), alpha=slope) if slope else w.op("Relu", w.bottom()))


@rule("ELU")
def elu(w: Writer) -> None:
    w.top(w.op("Elu", w.bottom(), alpha=w.layer.param.elu_param.alpha))


@rule("PReLU")
def prelu(w: Writer) -> None:
    slopes = w.layer.blobs[0]
    if not slopes.ndim:
        w.top(w.op("PRelu", w.bottom(), w.param(0)))
        return
    shape = (slopes.count, *(1,) * (w.blob().ndim - 2))
    w.top(w.op("PRelu", w.bottom(), w.param(0, slopes.data.reshape(shape))))


@rule("Swish")
def swish(w: Writer) -> None:
    x, beta = w.bottom(), w.layer.param.swish_param.beta
    gate = w.op("Sigmoid", x if beta == 1 else w.op("Mul", x, w.constant(beta)))
    w.top(w.op("Mul", x, gate))


@rule("Clip")
def clip(w: Writer) -> None:
    p = w.layer.param.clip_param
    w.top(w.op("Clip", w.bottom(), w.constant(p.min), w.constant(p.max)))


@rule("Threshold")
def threshold(w: Writer) -> None:
    above = w.op("Greater", w.bottom(), w.constant(w.layer.param.threshold_param.threshold))
    w.top(w.op("Cast", above, to=1))


@rule("Power")
def power(w: Writer) -> None:
    p = w.layer.param.power_param
    x = affine(w, w.bottom(), p.scale, p.shift)
    w.top(x if p.power == 1 else w.op("Pow", x, w.constant(p.power)))


@rule("Exp")
def exp(w: Writer) -> None:
    p = w.layer.param.exp_param
    factor = 1.0 if p.base == -1 else math.log(p.base)
    w.top(w.op("Exp", affine(w, w.bottom(), factor * p.scale, factor * p.shift)))


@rule("Log")
def log(w: Writer) -> None:
    p = w.layer.param.log_param
    y = w.op("Log", affine(w, w.bottom(), p.scale, p.shift))
    w.top(y if p.base == -1 else w.op("Mul", y, w.constant(1 / math.log(p.base))))


def affine(w: Writer, x: str, scale: float, shift: float) -> str:
    """scale * x + shift, with as few nodes as it takes."""
    if scale != 1:
        x = w.op("Mul", x, w.constant(scale))
    return w.op("Add", x, w.constant(shift)) if shift else x


@rule("Eltwise")
def eltwise(w: Writer) -> None:
    assert w.node is not None
    p = w.layer.param.eltwise_param
    xs = [w.bottom(i) for i in range(len(w.node.bottom))]
    for i, coefficient in enumerate(p.coeff):
        if coefficient != 1:
            xs[i] = w.op("Mul", xs[i], w.constant(coefficient))
    if p.operation == caffe_pb2.EltwiseParameter.MAX:
        w.top(w.op("Max", *xs))
        return
    kind = "Mul" if p.operation == caffe_pb2.EltwiseParameter.PROD else "Add"
    y = xs[0]
    for x in xs[1:]:
        y = w.op(kind, y, x)
    w.top(y)


@rule("Scale", "Bias")
def scale(w: Writer) -> None:
    """Multiply, add, or both, by blobs that are repeated over axes they lack."""
    assert w.node is not None
    layer, y = w.layer, w.bottom()
    given = len(w.node.bottom) > 1
    small = w.blob(1) if given else layer.blobs[0]
    p = layer.param.scale_param if layer.type == "Scale" else layer.param.bias_param
    shape = _spread(w.blob().ndim, p.axis, small.shape)
    kind = "Mul" if layer.type == "Scale" else "Add"
    if given:
        other = w.reshape(w.bottom(1), shape, scaled=w.node.bottom_names[1] in w.scaled)
    else:
        other = w.param(0, small.data.reshape(shape))
    y = w.op(kind, y, other)
    if layer.type == "Scale" and p.bias_term:
        last = len(layer.blobs) - 1
        y = w.op("Add", y, w.param(last, layer.blobs[last].data.reshape(shape)))
    w.top(y)


def _spread(ndim: int, axis: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` in place from `axis` on, 1 on all other of `ndim` axes."""
    first = (axis + ndim if axis < 0 else axis) if shape else 0
    return (1,) * first + shape + (1,) * (ndim - first - len(shape))


@rule("BatchNorm")
def batch_norm(w: Writer) -> None:
    mean, variance, factor = (blob.data for blob in w.layer.blobs)
    share = 0 if factor[0] == 0 else 1 / factor[0]
    ones, zeros = np.ones_like(mean), np.zeros_like(mean)
    values: list[Any] = [w.constant(v) for v in (ones, zeros, mean * share, variance * share)]
    w.top(w.op("BatchNormalization", w.bottom(), *values, epsilon=w.layer.param.batch_norm_param.eps))
