"""Flatten and Reshape: the same values under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import copy
from owlkit.layers.base import Blobs, Layer, register


class _Reshaped(Layer):
    """Values in C order of the shapes (N, C, H, W stays Caffe's order, whatever the order in memory).

    Where both shapes lie in memory in that order, top and bottom share it, as in Caffe; a four-axis blob that
    lies channels-last is copied.
    """

    def shape(self, x: Blob) -> tuple[int, ...]:
        """The top's shape; raises NetError where it does not fit."""
        raise TypeError(f"{type(self).__name__} does not define shape")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0], top[0]
        y.reshape(self.shape(x))
        plain = x.dtype == y.dtype and x.descriptor.is_plain and y.descriptor.is_plain
        same_order = plain or x.descriptor == y.descriptor
        # A blob of its own where shapes have changed such that memory cannot be shared any longer.
        source = x if same_order else Blob((), x.dtype)
        if same_order or y.shares_data(x):
            y.share_data(source)
        if same_order or y.shares_diff(x):
            y.share_diff(source)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].descriptor, top[0].descriptor
        self.kernel = copy.make(device, copy.Copy(x, y))
        self._back = copy.make(device, copy.Copy(y, x))

    @property
    def implementation(self) -> str:
        return str(self.kernel.implementation) if hasattr(self, "kernel") else ""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        if not top[0].shares_data(bottom[0]):
            self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0] and not top[0].shares_diff(bottom[0]):
            self._back.forward(top[0].diff_tensor, bottom[0].diff_tensor)


@register("Flatten")
class Flatten(_Reshaped):
    """Several axes made one.

    bottom 0 : x, any shape.
    top 0 : y, e.g. (N, C * H * W), in the memory of x where its layout allows that.
    Formula: y = x with the axes from axis to end_axis made one
    Gradient: dx = dy under the shape of x.
    Parameters (flatten_param):
        axis : the first of them; negative counts from the end.
        end_axis : the last of them, included; negative counts from the end.
    Source: Caffe's FlattenLayer.
    """

    def shape(self, x: Blob) -> tuple[int, ...]:
        p = self.param.flatten_param
        try:
            start, end = x.canonical_axis(p.axis), x.canonical_axis(p.end_axis)
        except IndexError as error:
            raise self.error(f"flatten_param: {error}", x) from None
        if end < start:
            raise self.error(f"end_axis {p.end_axis} lies before axis {p.axis}; raise it", x)
        return (*x.shape[:start], x.count_between(start, end + 1), *x.shape[end + 1 :])


@register("Reshape")
class Reshape(_Reshaped):
    """The same values under another shape.

    bottom 0 : x, any shape.
    top 0 : y, the axes of x from axis on (num_axes of them) replaced by shape.
    Formula: y = x, read in Caffe's order
    Gradient: dx = dy under the shape of x.
    Parameters (reshape_param):
        shape : the new lengths; 0 copies the length of x at that place, and one -1 takes what is left.
        axis : the first axis that is replaced; a negative one counts from one past the end, so -1 appends.
        num_axes : how many axes are replaced; -1: all from axis on; 0 inserts.
    Source: Caffe's ReshapeLayer.
    """

    def shape(self, x: Blob) -> tuple[int, ...]:
        start, end = self._replaced(x)
        dims = [self._length(x, start + i, d) for i, d in enumerate(self.param.reshape_param.shape.dim)]
        before, after = x.shape[:start], x.shape[end:]
        if dims.count(-1) > 1:
            raise self.error("two dims are -1; only one can be inferred: give the other", x)
        if -1 in dims:
            known = math.prod(d for d in (*before, *dims, *after) if d != -1)
            if known == 0 or x.count % known:
                raise self.error(
                    f"{x.count} elements do not divide into {known}, so -1 cannot be inferred; change the "
                    "other dims",
                    x,
                )
            dims[dims.index(-1)] = x.count // known
        shape = (*before, *dims, *after)
        if math.prod(shape) != x.count:
            raise self.error(
                f"the shape {shape} has {math.prod(shape)} elements, the bottom {x.count}; make one dim -1 "
                "to infer it, or 0 to copy it from the bottom",
                x,
            )
        return shape

    def _replaced(self, x: Blob) -> tuple[int, int]:
        """[start, end) of the axes that are replaced."""
        p = self.param.reshape_param
        start = p.axis if p.axis >= 0 else x.ndim + p.axis + 1
        if not 0 <= start <= x.ndim:
            raise self.error(f"axis {p.axis} is outside the {x.ndim} axes of the bottom", x)
        if p.num_axes < -1:
            raise self.error(f"num_axes is {p.num_axes}; use -1 for all axes from axis on, or 0 and more", x)
        end = x.ndim if p.num_axes == -1 else start + p.num_axes
        if end > x.ndim:
            raise self.error(f"{p.num_axes} axes from axis {start} on exceed the bottom's {x.ndim}", x)
        return start, end

    def _length(self, x: Blob, axis: int, dim: int) -> int:
        if dim < -1:
            raise self.error(f"dim {dim} is no length; use a positive number, 0 to copy, or -1 to infer", x)
        if dim != 0:
            return dim
        if axis >= x.ndim:
            raise self.error(f"dim 0 copies axis {axis}, which the bottom does not have; give its length", x)
        return x.shape[axis]

    def describe(self) -> str:
        return "to " + "x".join(map(str, self.param.reshape_param.shape.dim))
