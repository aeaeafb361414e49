"""HingeLoss: one against all, with a margin of 1."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import class_loss
from owlkit.layers.base import Blobs, register
from owlkit.layers.labels import ClassLabels
from owlkit.layers.loss import LossLayer

_L2 = 2  # HingeLossParameter.Norm


@register("HingeLoss")
class HingeLoss(LossLayer):
    """The one-against-all hinge loss of support vector machines.

    bottom 0 : x, scores, (N, K) or (N, ...) with K = the product of the other axes, in Caffe's order.
    bottom 1 : labels, integers in [0, K), N of them.
    top 0 : loss, scalar.
    Formula: loss = 1/N * sum_nk m[n, k]^p, m = max(0, 1 - s x), s = 1 where k == label_n and -1 elsewhere
    Gradient: dx = -s * loss_weight / N * sign(m) for L1, -s * 2 * loss_weight / N * m for L2. None to labels.
    Parameters (hinge_loss_param):
        norm : L1 (p = 1) or L2 (p = 2).
    Parameters (loss_param):
        ignore_label, normalization, normalize : no effect, as in Caffe; a warning says so.
    Source: Caffe's HingeLossLayer.

    Unlike Caffe's, forward leaves the scores' diff alone.
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        scores, labels = bottom
        if labels.count != scores.num:
            name = scores.given_name
            raise self.error(
                f"needs {scores.num} labels, one for each of bottom {name!r}; see batch_size of the data",
                labels,
            )

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        scores, labels = bottom
        kind = "squared_hinge" if self.param.hinge_loss_param.norm == _L2 else "hinge"
        spec = class_loss.ClassLoss(kind, scores.descriptor)
        self._labels = ClassLabels(self, device, Blob(spec.rows, scores.dtype, scores.name), labels, 1)
        self.kernel = class_loss.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, self._labels, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[1])
        if propagate_down[0]:
            x, weight = bottom[0], top[0].diff_tensor
            self.kernel.backward(x.data_tensor, self._labels, weight, x.diff_tensor)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._labels.read(bottom[1])

    def describe(self) -> str:
        return "L2" if self.param.hinge_loss_param.norm == _L2 else "L1"
