"""SigmoidCrossEntropyLoss: the cross-entropy of independent probabilities, from their logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.kernels.axes import aligned
from owlkit.layers.base import Blobs, register
from owlkit.layers.loss import BATCH_SIZE, LossLayer, normalizer


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

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._mode = self.normalization(default=BATCH_SIZE)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.same_count(bottom)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0]
        self._decay, self._term = np.empty(x.count, x.dtype), np.empty(x.count, x.dtype)
        self._ignore = self.ignore_label()

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].data_tensor.flat
        t = aligned(bottom[1].data_tensor, bottom[0].descriptor)
        decay, term = self._decay, self._term
        np.negative(np.abs(x, out=decay), out=decay)
        np.exp(decay, out=decay)  # exp(-|x|), kept for the gradient
        np.log1p(decay, out=term)
        term += np.maximum(x, 0)
        term -= x * t
        valid = x.size
        if self._ignore is not None:
            keep = t != self._ignore
            np.multiply(term, keep, out=term)
            valid = int(keep.sum())
        self._normalizer = normalizer(self._mode, bottom[0].num, x.size, valid)
        top[0].data[...] = float(term.sum()) / self._normalizer

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[1])
        if not propagate_down[0]:
            return
        x, dx = bottom[0].data_tensor.flat, bottom[0].diff_tensor.flat
        t = aligned(bottom[1].data_tensor, bottom[0].descriptor)
        # s = 1 / (1 + e) for x >= 0 and e / (1 + e) below, with e = exp(-|x|)
        np.divide(np.where(x >= 0, 1, self._decay), 1 + self._decay, out=dx)
        dx -= t
        dx *= float(top[0].diff) / self._normalizer
        if self._ignore is not None:
            dx *= t != self._ignore
