"""ContrastiveLoss: similar pairs together, dissimilar pairs at least a margin apart."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import contrastive_loss
from owlkit.layers.base import Arity, Blobs, register
from owlkit.layers.loss import LossLayer


@register("ContrastiveLoss")
class ContrastiveLoss(LossLayer):
    """A loss on distances: pairs that are similar are drawn together, others pushed apart up to a margin.

    bottom 0 : a, (N, C) or (N, C, 1, 1).
    bottom 1 : b, the same shape.
    bottom 2 : s, N values; similar where not 0, after cutting off what follows the point (0.5 is dissimilar,
        as in Caffe).
    top 0 : loss, scalar.
    Formula: loss = 1/(2N) * sum_n (s_n ? d_n^2 : max(0, margin - d_n)^2), d_n = |a_n - b_n|; with
        legacy_version dissimilar pairs cost max(0, margin - d_n^2)
    Gradient: with g = loss_weight / N and e = a - b: da = g * e for similar pairs; -g * (margin - d) / (d +
        1e-4) * e (legacy: -g * e) for dissimilar ones within the margin, 0 beyond it; db = -da. None to s.
    Parameters (contrastive_loss_param):
        margin : beyond which dissimilar pairs cost nothing.
        legacy_version : the formula that Caffe had first.
    Source: Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant mapping, CVPR 2006;
        Caffe's ContrastiveLossLayer.

    The 1e-4 is Caffe's; it keeps a = b finite, and makes the gradient smaller than the true one by 1e-4 / d.
    loss_param has no effect, as in Caffe; a warning says so.
    """

    bottoms = Arity.exactly(3)
    no_gradient = (2,)
    wide_bottoms = (2,)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.contrastive_loss_param
        self.margin, self.legacy = param.margin, param.legacy_version

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        super().reshape(bottom, top)
        self.same_count(bottom)
        for blob in bottom[:2]:
            if blob.ndim < 2 or blob.count != blob.shape[0] * blob.shape[1]:
                raise self.error("needs vectors, (N, C) or (N, C, 1, 1); add a Flatten layer", blob)
        if bottom[2].count != bottom[0].shape[0]:
            raise self.error(
                f"needs {bottom[0].shape[0]} values, one for each pair: 1 for a similar one, 0 for others",
                bottom[2],
            )

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        spec = contrastive_loss.ContrastiveLoss(bottom[0].descriptor, self.margin, self.legacy)
        self.kernel = contrastive_loss.make(device, spec)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        a, b, s = (blob.data_tensor for blob in bottom)
        self.kernel.forward(a, b, s, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[2], 2)
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=False):
            if wanted:
                self.kernel.backward(top[0].diff_tensor, sign, blob.diff_tensor)

    def describe(self) -> str:
        return f"margin {self.margin:g}" + (", legacy" if self.legacy else "")
