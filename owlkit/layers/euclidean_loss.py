"""EuclideanLoss: half the mean squared distance."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import euclidean_loss
from owlkit.layers.aligned import Aligned
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
        ignore_label, normalization, normalize : no effect, as in Caffe; a warning says so.
    Source: Caffe's EuclideanLossLayer.
    """

    no_gradient = ()
    precision = "wide"  # targets may be any numbers, not classes only

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.same_count(bottom)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        a, b = bottom
        self.kernel = euclidean_loss.make(device, euclidean_loss.EuclideanLoss(a.descriptor, a.num))
        self._other = Aligned(device, b, a)
        self._difference = Tensor(a.descriptor)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        a, b = bottom
        self.kernel.forward(a.data_tensor, self._other.read(b), self._difference, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        a, b = bottom
        weight = top[0].diff_tensor
        if propagate_down[0]:
            self.kernel.backward(self._difference, weight, 1, a.diff_tensor)
        if propagate_down[1]:
            self.kernel.backward(self._difference, weight, -1, self._other.gradient(b))
            self._other.give_gradient(b)
