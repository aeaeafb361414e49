"""Accuracy: how many labels are among the best scores."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import rank
from owlkit.layers.base import Arity, Blobs, Layer, register
from owlkit.layers.labels import ClassLabels, check_label_count


@register("Accuracy")
class Accuracy(Layer):
    """The share of right answers among scores. Forward only.

    bottom 0 : x, scores, e.g. (N, K) or (N, K, H, W).
    bottom 1 : labels, integers in [0, K), one per position.
    top 0 : accuracy, scalar.
    top 1 (optional) : (K,) accuracy of each class, 0 for a class that does not occur.
    Formula: accuracy = the share of positions i where fewer than top_k other classes score at least x[i,
        label_i]
    Gradient: none.
    Parameters (accuracy_param):
        top_k : among how many best scores the label's must be.
        axis : that of the classes; negative counts from the end.
        ignore_label : positions with this label do not count; none where it is not given.
    Source: Caffe's AccuracyLayer.

    A tie counts against the label, as in Caffe: equal scores everywhere give 0, not 1/K. Where the label's
    score is NaN the position counts as wrong (Caffe counts it as right). With nothing but ignored labels the
    accuracy is 0.
    """

    bottoms = Arity.exactly(2)
    tops = Arity(1, 2)
    no_gradient = (0, 1)
    wide_bottoms = (1,)
    wide_tops = (0, 1)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.accuracy_param
        self.top_k = param.top_k
        self._ignore = param.ignore_label if param.HasField("ignore_label") else None
        if self.top_k < 1:
            raise self.error("accuracy_param.top_k must be at least 1, found 0")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        scores, labels = bottom
        try:
            self.axis = scores.canonical_axis(self.param.accuracy_param.axis)
        except IndexError as why:
            raise self.error(f"accuracy_param.axis: {why}", scores) from None
        classes = scores.shape[self.axis]
        if self.top_k > classes:
            raise self.error(f"top_k {self.top_k} exceeds the {classes} classes; lower top_k", scores)
        check_label_count(self, scores, labels, self.axis)
        top[0].reshape(())
        if len(top) == 2:
            top[1].reshape(classes)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        scores, labels = bottom
        self._labels = ClassLabels(self, device, scores, labels, self.axis, self._ignore)
        spec = rank.Rank(scores.descriptor, self.axis, self.top_k, self._ignore)
        self.kernel = rank.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        share, *shares = (blob.data_tensor for blob in top)
        self.kernel.forward(bottom[0].data_tensor, self._labels, share, *shares)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._labels.read(bottom[1])

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if any(propagate_down):
            raise self.error(
                "accuracy has no gradient; take force_backward or propagate_down away", bottom[0]
            )

    def describe(self) -> str:
        return f"top {self.top_k}" if self.top_k > 1 else ""
