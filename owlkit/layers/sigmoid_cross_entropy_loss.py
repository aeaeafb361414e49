"""SigmoidCrossEntropyLoss: the cross-entropy of independent probabilities, from their logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import sigmoid_loss
from owlkit.kernels.losses import BATCH_SIZE, normalizer
from owlkit.layers.aligned import Aligned
from owlkit.layers.base import Blobs, register
from owlkit.layers.loss import LossLayer


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(LossLayer):
    """The cross entropy of independent probabilities, from their logits.

    bottom 0 : x, logits, any shape (N, ...).
    bottom 1 : t, targets in [0, 1] (soft ones too), as many values.
    top 0 : loss, scalar.
    Formula: loss = -1/Z * sum_i [t_i * log(s_i) + (1 - t_i) * log(1 - s_i)], s = 1 / (1 + exp(-x)); computed
        as max(x, 0) - x * t + log(1 + exp(-|x|)), which neither overflows nor takes log(0)
    Gradient: dx_i = loss_weight / Z * (s_i - t_i), 0 where t_i is ignored. None to targets.
    Parameters (loss_param):
        ignore_label : values with this target do not count; none where it is not given.
        normalization : Z, at least 1: BATCH_SIZE (N), VALID (values not ignored), FULL (all values), NONE
            (1). Not given: BATCH_SIZE, unlike SoftmaxWithLoss, as in Caffe.
        normalize : older: true = VALID, false = BATCH_SIZE.
    Source: Caffe's SigmoidCrossEntropyLossLayer.
    """

    honours_loss_param = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._mode = self.normalization(default=BATCH_SIZE)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.same_count(bottom)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, t = bottom[0], bottom[1]
        self.kernel = sigmoid_loss.make(device, sigmoid_loss.SigmoidLoss(x.descriptor))
        self._targets = Aligned(device, t, x)
        self._cost = Tensor(x.descriptor)
        self._ignore = self.ignore_label()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, t = bottom[0], self._targets.read(bottom[1])
        self.kernel.forward(x.data_tensor, t, self._cost)
        cost, valid = self._cost.flat, x.count
        if self._ignore is not None:
            keep = t.flat != self._ignore
            np.multiply(cost, keep, out=cost)
            valid = int(keep.sum())
        self._normalizer = normalizer(self._mode, x.num, x.count, valid)
        top[0].data[...] = float(cost.sum()) / self._normalizer

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[1])
        if not propagate_down[0]:
            return
        x, t = bottom[0], self._targets.kept(bottom[1])
        self.kernel.backward(x.data_tensor, t, float(top[0].diff) / self._normalizer, x.diff_tensor)
        if self._ignore is not None:
            np.multiply(x.diff_tensor.flat, t.flat != self._ignore, out=x.diff_tensor.flat)
