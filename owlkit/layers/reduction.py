"""Reduction: sums over the last axes."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import reduction
from owlkit.layers.base import Blobs, Layer, register
from owlkit.proto import caffe_pb2


@register("Reduction")
class Reduction(Layer):
    """Sums or means over all axes from one on.

    bottom 0 : x, any shape.
    top 0 : y, x.shape[:axis]; () for axis 0.
    Formula: y_i = coeff * sum_j f(x_ij), j over all axes from axis on, i over those before it.
        SUM: f(x) = x
        ASUM: f(x) = |x|
        SUMSQ: f(x) = x^2
        MEAN: f(x) = x / M, M the number of values j runs over
    Gradient: dx_ij = coeff * dy_i * f'(x_ij); of ASUM sign(x), 0 at 0.
    Parameters (reduction_param):
        operation : SUM, ASUM, SUMSQ or MEAN.
        axis : the first axis that is summed over; negative counts from the end.
        coeff : factor of the result.
    Source: Caffe's ReductionLayer.
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        try:
            self.axis = x.canonical_axis(self.param.reduction_param.axis)
        except IndexError as why:
            raise self.error(f"reduction_param.axis: {why}", x) from None
        top[0].reshape(x.shape[: self.axis])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        coeff, x = self.param.reduction_param.coeff, bottom[0].descriptor
        self.kernel = reduction.make(device, reduction.Reduction(self._name(), x, self.axis, coeff))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x = bottom[0]
            self.kernel.backward(x.data_tensor, top[0].diff_tensor, x.diff_tensor)

    def _name(self) -> str:
        return caffe_pb2.ReductionParameter.ReductionOp.Name(self.param.reduction_param.operation)

    def describe(self) -> str:
        return f"{self._name()} from axis {self.param.reduction_param.axis}"
