"""EuclideanLoss: half the mean squared distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.kernels.axes import aligned, memory_order
from owlkit.layers.base import Blobs, register
from owlkit.layers.loss import LossLayer


@register("EuclideanLoss")
class EuclideanLoss(LossLayer):
    """Half the mean squared distance, for regression.

    bottom 0 : a, (N, ...).
    bottom 1 : b, (N, ...), with as many values; compared in Caffe's order where the shapes differ.
    top 0 : loss, scalar.
    Formula: loss = 1/(2N) * sum (a - b)^2, N = length of axis 0
    Gradient: da = loss_weight / N * (a - b), db = -da; both bottoms may have one.
    Parameters (loss_param):
        ignore_label, normalization, normalize : no effect, as in Caffe.
    Source: Caffe's EuclideanLossLayer.
    """

    no_gradient = ()

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.same_count(bottom)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        a = bottom[0]
        self._difference = np.empty(a.count, a.dtype)  # in a's memory order
        self._square = np.empty(a.count, a.dtype)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        a, b = bottom
        np.subtract(a.data_tensor.flat, aligned(b.data_tensor, a.descriptor), out=self._difference)
        # Pairwise summation: the error does not grow with the batch, as a running sum's does.
        total = np.square(self._difference, out=self._square).sum()
        top[0].data[...] = total / (2 * max(a.num, 1))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        a, b = bottom
        scale = float(top[0].diff) / max(a.num, 1)
        if propagate_down[0]:
            np.multiply(self._difference, scale, out=a.diff_tensor.flat)
        if propagate_down[1]:
            order = memory_order(a.descriptor)
            lengths = [a.shape[axis] for axis in order]
            in_caffe_order = self._difference.reshape(lengths).transpose(np.argsort(order))
            np.multiply(in_caffe_order.reshape(b.shape), -scale, out=b.diff)
