"""Bias: a smaller blob added along some axes."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import bias, copy, eltwise
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("Bias")
class Bias(Layer):
    """Adds b, learned or a second bottom, repeated along the axes that it lacks.

    bottom 0 : x, any shape; may run in place.
    bottom 1 (optional) : b, whose shape stands in that of x from axis on; without it b is learned.
    top 0 : y, the shape of x.
    blobs[0] (with one bottom) : b, x.shape[axis : axis + num_axes].
    Formula: y = x + b, b repeated over all axes but axis .. axis + num_axes
    Gradient: dx = dy; db = sum of dy over the axes where b is repeated.
    Parameters (bias_param):
        axis : the first axis of x that b has; negative counts from the end.
        num_axes : how many axes b has; -1: up to the last; 0: b is one number. Not used with two bottoms.
        filler : of b; constant 0 where none is given.
    Source: Caffe's BiasLayer.
    """

    bottoms = Arity(1, 2)
    in_place = True
    wide_bottoms = (1,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.bias_param
        if len(bottom) == 2:
            return
        if param.num_axes < -1:
            raise self.error(f"bias_param.num_axes must be -1 or more, found {param.num_axes}")
        axis = self._axis(bottom[0], param.num_axes)
        end = bottom[0].ndim if param.num_axes == -1 else axis + param.num_axes
        if end > bottom[0].ndim:
            raise self.error(
                f"bias_param: axis {axis} and num_axes {param.num_axes} go beyond x; lower num_axes",
                bottom[0],
            )
        self.add_param(bottom[0].shape[axis:end], param.filler if param.HasField("filler") else None)

    def _axis(self, x: Blob, axes: int) -> int:
        if axes == 0:
            return 0
        try:
            return x.canonical_axis(self.param.bias_param.axis)
        except IndexError as why:
            raise self.error(f"bias_param.axis: {why}", x) from None

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        b = bottom[1] if len(bottom) == 2 else self.blobs[0]
        axis = self._axis(x, b.ndim)
        end = axis + b.ndim
        if x.shape[axis:end] != b.shape:
            raise self.error(
                f"b of shape {b.shape} does not stand in x's shape from axis {axis} on; choose axis so that "
                "it does, or Reshape b",
                x,
            )
        self._along = axis, b.ndim
        top[0].reshape(x.shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self._b = bottom[1] if len(bottom) == 2 else self.working[0]
        self.kernel = bias.make(device, bias.Bias(bottom[0].descriptor, *self._along, self._b.dtype))
        self._copy = copy.make(device, copy.Copy(bottom[0].descriptor, bottom[0].descriptor))
        self._spare = Tensor(self._b.descriptor)
        self._addition = eltwise.make_addition(device, self._b.descriptor)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, self._b.data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        dy = top[0].diff_tensor
        if len(bottom) == 2 and propagate_down[1]:
            self.kernel.gradient(dy, self._b.diff_tensor)
        elif self.wants_param(0):
            self._add_gradient(dy)
        if propagate_down[0] and not bottom[0].shares_diff(top[0]):
            self._copy.forward(dy, bottom[0].diff_tensor)

    def passes_gradient(self, index: int) -> bool:
        return index == 0

    def _add_gradient(self, dy: Tensor) -> None:
        accumulate = self._b.begin_accumulate()
        target = self._spare if accumulate else self._b.diff_tensor
        self.kernel.gradient(dy, target)
        if accumulate:
            self._addition(self._b.diff_tensor, target)
