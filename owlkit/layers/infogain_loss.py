"""InfogainLoss: cross-entropy in which each kind of mistake has a price of its own."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.io.blobproto import read_blob
from owlkit.kernels import infogain_loss
from owlkit.kernels.losses import VALID
from owlkit.layers.base import Arity, Blobs, register
from owlkit.layers.labels import ClassLabels, check_label_count
from owlkit.layers.loss import LossLayer


@register("InfogainLoss")
class InfogainLoss(LossLayer):
    """Softmax and a multinomial logistic loss whose mistakes are weighed by a matrix.

    bottom 0 : x, scores, e.g. (N, K) or (N, K, H, W).
    bottom 1 : labels, integers in [0, K), one per position.
    bottom 2 (optional) : H, K x K values, e.g. (1, 1, K, K).
    top 0 : loss, scalar.
    top 1 (optional) : p, the shape of x; no gradient flows back through it.
    Formula: loss = -1/Z * sum_i sum_k H[label_i, k] * log(max(p[i, k], 1e-20)); p = softmax(x) along axis, i
        over all other axes; with H the identity this is SoftmaxWithLoss
    Gradient: dx[i, k] = loss_weight / Z * (p[i, k] * sum_j H[label_i, j] - H[label_i, k]), 0 where label_i is
        ignored; as in Caffe, p below 1e-20 changes nothing about it. None to labels and H; with
        force_backward these are left out (Caffe stops).
    Parameters (infogain_loss_param):
        source : a binaryproto file with H; needed without bottom 2, refused with it.
        axis : that of the classes; negative counts from the end.
    Parameters (loss_param):
        ignore_label : positions with this label do not count; none where it is not given.
        normalization : Z: VALID (positions not ignored), FULL (all positions), BATCH_SIZE (product of the
            axes before axis), NONE (1); at least 1.
        normalize : older: true = VALID, false = BATCH_SIZE.
    Source: Caffe's InfogainLossLayer.

    Labels are checked in every batch.
    """

    honours_loss_param = True

    bottoms = Arity(2, 3)
    tops = Arity(1, 2)
    no_gradient = (1, 2)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if any(weight != 0 for weight in self.param.loss_weight[1:]):
            raise self.error("top 1 holds probabilities and cannot be a loss: give it loss_weight 0", top[-1])
        self._mode = self.normalization(default=VALID)
        source = self.param.infogain_loss_param.source
        if bool(source) == (len(bottom) == 3):
            found = "both are given" if source else "neither is given"
            raise self.error(f"H comes from a third bottom or from infogain_loss_param.source; {found}")
        self._file = read_blob(source, "file of an infogain matrix") if source else None

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        x = bottom[0]
        try:
            self.axis = x.canonical_axis(self.param.infogain_loss_param.axis)
        except IndexError as why:
            raise self.error(f"infogain_loss_param.axis: {why}", x) from None
        check_label_count(self, x, bottom[1], self.axis)
        classes = x.shape[self.axis]
        shape = bottom[2].shape if self._file is None else self._file.shape
        if shape[-2:] != (classes, classes) or any(n != 1 for n in shape[:-2]):
            where = bottom[2].name if self._file is None else self.param.infogain_loss_param.source
            raise self.error(f"H ({where!r}) must be (1, 1, {classes}, {classes}), found {shape}", x)
        if len(top) == 2:
            top[1].reshape(x.shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, labels = bottom[:2]
        self.prob = top[1] if len(top) == 2 else Blob(x.shape, x.dtype, f"{self.name}.prob")
        ignore = self.ignore_label()
        self._labels = ClassLabels(self, device, x, labels, self.axis, ignore)
        spec = infogain_loss.InfogainLoss(x.descriptor, self.axis, ignore, self._mode)
        self.kernel = infogain_loss.make(device, spec)
        if self._file is not None:
            self._read = Tensor(Descriptor(self._file.shape[-2:], x.dtype))
            self._read.array[...] = self._file.reshape(self._read.shape)

    def _prices(self, bottom: Blobs) -> Tensor:
        return bottom[2].data_tensor if self._file is None else self._read

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        scores, p, h = bottom[0].data_tensor, self.prob.data_tensor, self._prices(bottom)
        self.kernel.forward(scores, p, self._labels, h, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for index, blob in enumerate(bottom[1:], 1):
            self.refuse_label_gradient(propagate_down, blob, index)
        if propagate_down[0]:
            p, weight, dx = self.prob.data_tensor, top[0].diff_tensor, bottom[0].diff_tensor
            self.kernel.backward(p, self._labels, self._prices(bottom), weight, dx)

    def check_bottoms(self, bottom: Blobs) -> None:
        self._labels.read(bottom[1])

    def describe(self) -> str:
        ignore = self.ignore_label()
        return "" if ignore is None else f"ignores {ignore}"
