"""Reduction: sums over the last axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.layers.base import Blobs, Layer, register
from owlkit.proto import caffe_pb2

_SUM, _ASUM, _SUMSQ, _MEAN = (
    getattr(caffe_pb2.ReductionParameter, name) for name in ("SUM", "ASUM", "SUMSQ", "MEAN")
)


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

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self.operation = self.param.reduction_param.operation

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        try:
            self.axis = x.canonical_axis(self.param.reduction_param.axis)
        except IndexError as why:
            raise self.error(f"reduction_param.axis: {why}", x) from None
        top[0].reshape(x.shape[: self.axis])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x: Blob = bottom[0]
        # Axes 0 and 1: the values of a row are neighbours in memory, in whatever order.
        self._rows = (x.count_between(0, self.axis), -1) if self.axis < 2 and x.count else None
        self._summed = (1,) if self._rows else tuple(range(self.axis, x.ndim))
        length = max(x.count_between(self.axis), 1)
        self._factor = self.param.reduction_param.coeff / (length if self.operation == _MEAN else 1)

    def _face(self, tensor: Tensor) -> np.ndarray:
        return tensor.flat.reshape(self._rows) if self._rows else tensor.array

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = self._face(bottom[0].data_tensor)
        if self.operation == _ASUM:
            x = np.abs(x)
        elif self.operation == _SUMSQ:
            x = np.square(x)
        y = x.sum(axis=self._summed)
        top[0].data[...] = self._factor * y.reshape(top[0].shape)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        x, dx = self._face(bottom[0].data_tensor), self._face(bottom[0].diff_tensor)
        dy = self._factor * top[0].diff
        dy = dy.reshape(-1, 1) if self._rows else dy.reshape(dy.shape + (1,) * len(self._summed))
        if self.operation == _ASUM:
            np.multiply(np.sign(x), dy, out=dx)
        elif self.operation == _SUMSQ:
            np.multiply(x, 2 * dy, out=dx)
        else:
            dx[...] = dy

    def describe(self) -> str:
        name = caffe_pb2.ReductionParameter.ReductionOp.Name(self.operation)
        return f"{name} from axis {self.param.reduction_param.axis}"
