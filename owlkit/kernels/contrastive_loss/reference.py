"""A loss on the distances of pairs, in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.contrastive_loss import ContrastiveLoss

_SMALL = 1e-4  # Caffe's, added to the distance that the gradient divides by


class ContrastiveLossKernel:
    def __init__(self, device: Device, spec: ContrastiveLoss) -> None:
        self._margin, self._legacy = spec.margin, spec.legacy
        self._shape = spec.x.shape[:2]
        self._difference = np.empty(self._shape, spec.x.dtype)

    def forward(self, a: Tensor, b: Tensor, s: Tensor, loss: Tensor) -> None:
        np.subtract(a.flat.reshape(self._shape), b.flat.reshape(self._shape), out=self._difference)
        squared = np.square(self._difference).sum(axis=1)
        self._similar = np.trunc(s.flat) != 0
        if self._legacy:
            self._gap = np.maximum(self._margin - squared, 0)
            cost = self._gap
        else:
            self._distance = np.sqrt(squared)
            self._gap = np.maximum(self._margin - self._distance, 0)
            cost = np.square(self._gap)
        total = np.where(self._similar, squared, cost).sum()
        loss.array[...] = total / (2 * max(self._shape[0], 1))

    def backward(self, weight: Tensor, sign: int, dx: Tensor) -> None:
        apart = -(self._gap > 0).astype(self._difference.dtype)
        if not self._legacy:
            apart *= self._gap / (self._distance + _SMALL)
        scale = sign * float(weight.peek()) / max(self._shape[0], 1)
        factor = np.where(self._similar, 1, apart) * scale
        gradient = dx.flat.reshape(self._shape)
        np.multiply(self._difference, factor[:, None], out=gradient, casting="same_kind")
