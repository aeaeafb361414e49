"""SoftmaxWithLoss: the multinomial logistic loss of the softmax of scores."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import softmax_loss
from owlkit.kernels.losses import VALID
from owlkit.layers.base import Arity, Blobs, register
from owlkit.layers.labels import ClassLabels, check_label_count
from owlkit.layers.loss import LossLayer
from owlkit.layers.softmax import softmax_axis


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(LossLayer):
    """Softmax and the multinomial logistic loss in one, the loss of classification.

    bottom 0 : x, scores, e.g. (N, K) or (N, K, H, W).
    bottom 1 : labels, integers in [0, K), one per position i: (N,), (N, 1), (N, H, W) or (N, 1, H, W).
    top 0 : loss, scalar.
    top 1 (optional) : p, the shape of x; no gradient flows back through it.
    Formula: loss = -1/Z * sum_i log(p[i, label_i]), p = softmax(x) along axis; i runs over all other axes
    Gradient: dx[i, k] = loss_weight / Z * (p[i, k] - (k == label_i)), 0 where label_i is ignored. None to
        labels.
    Parameters (softmax_param):
        axis : that of the classes; negative counts from the end.
        engine : accepted; the device chooses the kernel, and no result changes.
    Parameters (loss_param):
        ignore_label : positions with this label do not count; none where it is not given.
        normalization : Z: VALID (positions not ignored), FULL (all positions), BATCH_SIZE (product of the
            axes before axis), NONE (1); at least 1.
        normalize : older: true = VALID, false = BATCH_SIZE.
    Source: Caffe's SoftmaxWithLossLayer.

    Probabilities below 1.2e-38 count as that, as in Caffe. Labels are checked in every batch (DataError).
    """

    honours_loss_param = True

    tops = Arity(1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if any(weight != 0 for weight in self.param.loss_weight[1:]):
            raise self.error("top 1 holds probabilities and cannot be a loss: give it loss_weight 0", top[-1])
        self._mode = self.normalization(default=VALID)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.axis = softmax_axis(self, bottom[0])
        check_label_count(self, bottom[0], bottom[1], self.axis)
        if len(top) == 2:
            top[1].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        scores, labels = bottom
        self.prob = top[1] if len(top) == 2 else Blob(scores.shape, scores.dtype, f"{self.name}.prob")
        ignore = self.ignore_label()
        self._labels = ClassLabels(self, device, scores, labels, self.axis, ignore)
        spec = softmax_loss.SoftmaxLoss(scores.descriptor, self.axis, ignore, self._mode)
        self.kernel = softmax_loss.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scores, p, loss = bottom[0].data_tensor, self.prob.data_tensor, top[0].data_tensor
        self.kernel.forward(scores, p, self._labels, loss)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[1])
        if propagate_down[0]:
            weight, dx = top[0].diff_tensor, bottom[0].diff_tensor
            self.kernel.backward(self.prob.data_tensor, self._labels, weight, dx)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._labels.read(bottom[1])

    def describe(self) -> str:
        ignore = self.ignore_label()
        return "" if ignore is None else f"ignores {ignore}"
