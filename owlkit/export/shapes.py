"""Layers that cut, join, reorder and sum, in ONNX."""

from __future__ import annotations

import numpy as np

from owlkit.export.rules import NotInOnnx, rule
from owlkit.export.writer import Writer
from owlkit.proto import caffe_pb2

_INT64, _FLOAT = 7, 1  # ONNX's numbers of these types


@rule("InnerProduct")
def inner_product(w: Writer) -> None:
    assert w.node is not None
    layer, shape = w.layer, w.node.top[0].shape
    x = w.op("Reshape", w.bottom(), w.constant([-1, layer.inputs], np.int64))
    weights = [w.param(i) for i in range(len(layer.blobs))]
    y = w.op("Gemm", x, *weights, transB=0 if layer.transpose else 1)
    w.top(y if layer.axis == 1 else w.reshape(y, shape))


@rule("Flatten", "Reshape")
def reshape(w: Writer) -> None:
    assert w.node is not None
    w.top(w.reshape(w.bottom(), w.node.top[0].shape))


@rule("Concat")
def concat(w: Writer) -> None:
    assert w.node is not None
    p, count = w.layer.param.concat_param, len(w.node.bottom)
    axis = p.concat_dim if p.HasField("concat_dim") else p.axis
    w.top(w.op("Concat", *[w.bottom(i) for i in range(count)], axis=axis))


@rule("Slice")
def slice_(w: Writer) -> None:
    assert w.node is not None
    axis, tops = w.layer.axis, w.node.top
    if len(tops) == 1:
        w.top(w.bottom())
        return
    _refuse_batch(w, axis)
    lengths = w.constant([top.shape[axis] for top in tops], np.int64)
    for index, part in enumerate(w.op("Split", w.bottom(), lengths, outputs=len(tops), axis=axis)):
        w.top(part, index)


def _refuse_batch(w: Writer, axis: int) -> None:
    assert w.node is not None
    if axis == 0 and w.node.bottom_names[0] in w.scaled:
        raise NotInOnnx("it cuts along the batch, whose size is left open")


@rule("Crop")
def crop(w: Writer) -> None:
    assert w.node is not None
    p, x, y = w.layer.param.crop_param, w.blob(), w.node.top[0]
    axis = x.canonical_axis(p.axis)
    _refuse_batch(w, axis)
    axes = list(range(axis, x.ndim))
    starts = list(p.offset) if len(p.offset) > 1 else [*(p.offset or [0])] * len(axes)
    ends = [start + y.shape[a] for start, a in zip(starts, axes, strict=True)]
    w.top(w.op("Slice", w.bottom(), *(w.constant(v, np.int64) for v in (starts, ends, axes))))


@rule("Tile")
def tile(w: Writer) -> None:
    p, x = w.layer.param.tile_param, w.blob()
    repeats = [p.tiles if a == x.canonical_axis(p.axis) else 1 for a in range(x.ndim)]
    w.top(w.op("Tile", w.bottom(), w.constant(repeats, np.int64)))


@rule("Softmax")
def softmax(w: Writer) -> None:
    w.top(w.op("Softmax", w.bottom(), axis=w.blob().canonical_axis(w.layer.param.softmax_param.axis)))


@rule("Reduction")
def reduction(w: Writer) -> None:
    p, x = w.layer.param.reduction_param, w.blob()
    kinds = {"SUM": "ReduceSum", "ASUM": "ReduceL1", "SUMSQ": "ReduceSumSquare", "MEAN": "ReduceMean"}
    kind = kinds[caffe_pb2.ReductionParameter.ReductionOp.Name(p.operation)]
    axes = list(range(x.canonical_axis(p.axis), x.ndim))
    y = w.op(kind, w.bottom(), w.constant(axes, np.int64), keepdims=0)
    w.top(y if p.coeff == 1 else w.op("Mul", y, w.constant(p.coeff)))


@rule("ArgMax")
def argmax(w: Writer) -> None:
    """Of equal values Caffe takes the last, TopK the first: the axis is turned round before and after."""
    assert w.node is not None
    layer, x = w.layer, w.blob()
    axis, tensor, length = layer.axis, w.bottom(), 0
    if axis is None:
        axis, length = 1, x.count_between(1)
        tensor = w.reshape(tensor, (x.shape[0], length))
    else:
        length = x.shape[axis]
    _refuse_batch(w, axis)
    turn = [w.constant(v, np.int64) for v in ([-1], [np.iinfo(np.int64).min], [axis], [-1])]
    values, places = w.op(
        "TopK", w.op("Slice", tensor, *turn), w.constant([layer.top_k], np.int64), outputs=2, axis=axis
    )
    indices = w.op("Cast", w.op("Sub", w.constant(length - 1, np.int64), places), to=_FLOAT)
    if layer.axis is not None:
        w.top(values if layer.values else indices)
        return
    both = w.op("Concat", indices, values, axis=1) if layer.values else indices
    w.top(w.reshape(both, w.node.top[0].shape))


@rule("MVN")
def mvn(w: Writer) -> None:
    layer, x = w.layer, w.bottom()
    axes = w.constant(list(range(1 if layer.across else 2, w.blob().ndim)), np.int64)
    if not layer.across and w.blob().ndim == 2:
        w.top(w.op("Sub", x, x))  # every channel is one value, its own mean
        return
    y = w.op("Sub", x, w.op("ReduceMean", x, axes))
    if layer.scaled:
        deviation = w.op("Sqrt", w.op("ReduceMean", w.op("Mul", y, y), axes))
        y = w.op("Div", y, w.op("Add", deviation, w.constant(layer.eps)))
    w.top(y)


@rule("Embed")
def embed(w: Writer) -> None:
    y = w.op("Gather", w.param(0), w.op("Cast", w.bottom(), to=_INT64))
    w.top(w.op("Add", y, w.param(1)) if len(w.layer.blobs) > 1 else y)


@rule("BatchReindex")
def batch_reindex(w: Writer) -> None:
    w.top(w.op("Gather", w.bottom(0), w.op("Cast", w.bottom(1), to=_INT64)))


@rule("Parameter")
def parameter(w: Writer) -> None:
    w.top(w.param(0))
