"""The sigmoid's cross-entropy in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.sigmoid_loss.host import HostKernel

if TYPE_CHECKING:
    from owlkit.kernels.sigmoid_loss import SigmoidLoss


class SigmoidLossKernel(HostKernel):
    def __init__(self, device: Device, spec: SigmoidLoss) -> None:
        super().__init__(device, spec)
        self._decay = np.empty(spec.x.count, spec.x.dtype)

    def costs(self, x: Tensor, t: Tensor, cost: Tensor) -> None:
        values, out = x.flat, cost.flat
        self._set_decay(values)
        np.log1p(self._decay, out=out)
        out += np.maximum(values, 0)
        out -= values * t.flat

    def slopes(self, x: Tensor, t: Tensor, scale: float, dx: Tensor) -> None:
        """s = 1 / (1 + e) for x >= 0 and e / (1 + e) below, with e = exp(-|x|)."""
        values, out = x.flat, dx.flat
        self._set_decay(values)
        np.divide(np.where(values >= 0, 1, self._decay), 1 + self._decay, out=out)
        out -= t.flat
        out *= scale

    def _set_decay(self, x: np.ndarray) -> None:
        """exp(-|x|)"""
        decay = np.abs(x, out=self._decay)
        np.negative(decay, out=decay)
        np.exp(decay, out=decay)
