"""Slice: one blob cut into several."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import concat
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("Slice")
class Slice(Layer):
    """Cuts a blob along an axis into several tops.

    bottom 0 : x, any shape.
    top i : the shape of x with a shorter axis.
    Formula: top i = the part of x from slice_point[i - 1] up to, not including, slice_point[i] along axis
    Gradient: dx = the tops' gradients, joined.
    Parameters (slice_param):
        axis : along which to cut; negative counts from the end.
        slice_point : where to cut, rising, one fewer than tops; none: equal parts.
        slice_dim : the older name of axis; not both.
    Source: Caffe's SliceLayer.
    """

    tops = Arity(1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.slice_param
        if param.HasField("axis") and param.HasField("slice_dim"):
            raise self.error("slice_param gives axis and its older name slice_dim; use axis only")
        if param.slice_point and len(param.slice_point) != len(top) - 1:
            found = len(param.slice_point)
            raise self.error(f"{len(top)} tops need {len(top) - 1} slice_point, or none; found {found}")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        param, x = self.param.slice_param, bottom[0]
        try:
            self.axis = x.canonical_axis(param.slice_dim if param.HasField("slice_dim") else param.axis)
        except IndexError as why:
            raise self.error(f"slice_param.axis: {why}", x) from None
        for blob, length in zip(top, self._lengths(x, len(top)), strict=True):
            blob.reshape((*x.shape[: self.axis], length, *x.shape[self.axis + 1 :]))

    def _lengths(self, x: Blob, count: int) -> list[int]:
        length, points = x.shape[self.axis], list(self.param.slice_param.slice_point)
        if not points:
            if length % count:
                raise self.error(
                    f"axis {self.axis} of {length} does not divide into {count} tops; give slice_point", x
                )
            return [length // count] * count
        edges = [0, *points, length]
        lengths = [end - start for start, end in itertools.pairwise(edges)]
        if min(lengths) < 1:
            raise self.error(f"slice_point {points} must rise, within 1..{length - 1} of axis {self.axis}", x)
        return lengths

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        parts = tuple(blob.descriptor for blob in top)
        self.kernel = concat.make(device, concat.Concat(parts, bottom[0].descriptor, self.axis))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.cut(bottom[0].data_tensor, [blob.data_tensor for blob in top])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.join([blob.diff_tensor for blob in top], bottom[0].diff_tensor)

    def describe(self) -> str:
        return f"along axis {self.axis}"
