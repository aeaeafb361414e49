"""SigmoidCrossEntropyLoss: the cross-entropy of independent probabilities, from their logits."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import sigmoid_loss
from owlkit.kernels.losses import BATCH_SIZE
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
    precision = "wide"  # targets may be any numbers, not classes only

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        self._mode = self.normalization(default=BATCH_SIZE)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        x, t = bottom
        if x.shape[:1] == (t.count,) and t.count != x.count:
            raise self.error(
                f"needs {x.count} targets, one for each value of {x.given_name!r}; for one class per image "
                "take SoftmaxWithLoss",
                t,
            )
        self.same_count(bottom)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, t = bottom
        spec = sigmoid_loss.SigmoidLoss(x.descriptor, self.ignore_label(), self._mode, x.num)
        self.kernel = sigmoid_loss.make(device, spec)
        self._targets = Aligned(device, t, x)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, self._targets.read(bottom[1]), top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[1])
        if propagate_down[0]:
            x, t = bottom[0], self._targets.kept(bottom[1])
            self.kernel.backward(x.data_tensor, t, top[0].diff_tensor, x.diff_tensor)
