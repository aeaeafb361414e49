"""ContrastiveLoss: similar pairs together, dissimilar pairs at least a margin apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.layers.base import Arity, Blobs, register
from owlkit.layers.loss import LossLayer

_SMALL = 1e-4  # Caffe's, added to the distance that the gradient divides by


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
            raise self.error(f"needs {bottom[0].shape[0]} values, one for each pair", bottom[2])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self._shape = bottom[0].shape[:2]
        self._difference = np.empty(self._shape, bottom[0].dtype)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        a, b, s = (blob.data_tensor.flat for blob in bottom)
        np.subtract(a.reshape(self._shape), b.reshape(self._shape), out=self._difference)
        squared = np.square(self._difference).sum(axis=1)
        self._similar = np.trunc(s) != 0
        if self.legacy:
            self._gap = np.maximum(self.margin - squared, 0)
            cost = self._gap
        else:
            self._distance = np.sqrt(squared)
            self._gap = np.maximum(self.margin - self._distance, 0)
            cost = np.square(self._gap)
        total = np.where(self._similar, squared, cost).sum()
        top[0].data[...] = total / (2 * max(self._shape[0], 1))

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        self.refuse_label_gradient(propagate_down, bottom[2], 2)
        apart = -(self._gap > 0).astype(self._difference.dtype)
        if not self.legacy:
            apart *= self._gap / (self._distance + _SMALL)
        factor = np.where(self._similar, 1, apart) * (float(top[0].diff) / max(self._shape[0], 1))
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=False):
            if wanted:
                gradient = blob.diff_tensor.flat.reshape(self._shape)
                np.multiply(self._difference, sign * factor[:, None], out=gradient, casting="same_kind")

    def describe(self) -> str:
        return f"margin {self.margin:g}" + (", legacy" if self.legacy else "")
