"""MultinomialLogisticLoss: the cross-entropy of probabilities that another layer has made."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import class_loss
from owlkit.layers.base import Blobs, register
from owlkit.layers.labels import ClassLabels
from owlkit.layers.loss import LossLayer


@register("MultinomialLogisticLoss")
class MultinomialLogisticLoss(LossLayer):
    """The negative log likelihood of probabilities that another layer computed.

    bottom 0 : p, probabilities, (N, K) or (N, ...) with K = the product of the other axes, in Caffe's order.
    bottom 1 : labels, integers in [0, K), N of them.
    top 0 : loss, scalar.
    Formula: loss = -1/N * sum_n log(q_n), q_n = max(p[n, label_n], 1e-20)
    Gradient: dp[n, label_n] = -loss_weight / (N * q_n), 0 elsewhere; none to labels. Below 1e-20 it does not
        vanish, as in Caffe.
    Parameters (loss_param):
        ignore_label, normalization, normalize : no effect, as in Caffe; a warning says so.
    Source: Caffe's MultinomialLogisticLossLayer.

    For scores, SoftmaxWithLoss is exact and faster. Labels are checked in every batch (DataError).
    """

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        if bottom[1].count != bottom[0].num:
            name = bottom[0].given_name
            raise self.error(
                f"needs {bottom[0].num} labels, one for each of bottom {name!r}; see batch_size of the data",
                bottom[1],
            )

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        p, labels = bottom
        spec = class_loss.ClassLoss("log", p.descriptor)
        self._labels = ClassLabels(self, device, Blob(spec.rows, p.dtype, p.name), labels, 1)
        self.kernel = class_loss.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, self._labels, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[1])
        if propagate_down[0]:
            p, weight = bottom[0], top[0].diff_tensor
            self.kernel.backward(p.data_tensor, self._labels, weight, p.diff_tensor)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._labels.read(bottom[1])
