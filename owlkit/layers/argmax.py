"""ArgMax: which scores are the highest."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import argmax
from owlkit.layers.base import Blobs, Layer, register


@register("ArgMax")
class ArgMax(Layer):
    """The top_k highest values, best first: their indices, or the values, or both. Forward only.

    bottom 0 : x, any shape.
    top 0 : with axis: the shape of x with length top_k there: indices along the axis, or only the values
        where out_max_val (as in Caffe). Without axis: (N, 1, top_k) indices, or (N, 2, top_k) indices and
        values where out_max_val; with further axes of length 1 up to the number of those of x.
    Formula: y = the k with x_k among the top_k highest; without axis all axes but the first are taken as one,
        in Caffe's order. Of equal values the highest index comes first, as in Caffe.
    Gradient: none.
    Parameters (argmax_param):
        out_max_val : give values too (without axis), or in place of indices (with axis).
        top_k : how many.
        axis : along which axis; negative counts from the end. None: all but the first.
    Source: Caffe's ArgMaxLayer.
    """

    no_gradient = (0,)
    precision = "wide"  # half precision cannot hold every class

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.argmax_param
        self.top_k, self.values = param.top_k, param.out_max_val
        if self.top_k < 1:
            raise self.error("argmax_param.top_k must be at least 1, found 0")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x, param = bottom[0], self.param.argmax_param
        self.axis = None
        if param.HasField("axis"):
            try:
                self.axis = x.canonical_axis(param.axis)
            except IndexError as why:
                raise self.error(f"argmax_param.axis: {why}", x) from None
        elif x.ndim < 1:
            raise self.error("needs at least one axis", x)
        candidates = x.count_between(1) if self.axis is None else x.shape[self.axis]
        if self.top_k > candidates:
            raise self.error(f"top_k {self.top_k} exceeds the {candidates} values; lower top_k", x)
        top[0].reshape(self._top_shape(x.shape))

    def _top_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.axis is not None:
            return (*shape[: self.axis], self.top_k, *shape[self.axis + 1 :])
        return (shape[0], 2 if self.values else 1, self.top_k, *(1,) * (len(shape) - 3))

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, y = bottom[0].descriptor, top[0].descriptor
        self.kernel = argmax.make(device, argmax.ArgMax(x, y, self.axis, self.top_k, self.values))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            raise self.error(
                "has no gradient; learn nothing below it, or take force_backward away", bottom[0]
            )

    def describe(self) -> str:
        return f"top {self.top_k}" if self.top_k > 1 else ""
