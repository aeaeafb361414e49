"""Sum of squared differences in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.euclidean_loss import EuclideanLoss


class EuclideanLossKernel:
    def __init__(self, device: Device, spec: EuclideanLoss) -> None:
        self.spec = spec

    def forward(self, a: Tensor, b: Tensor, difference: Tensor) -> float:
        np.subtract(a.flat, b.flat, out=difference.flat)
        return float(np.square(difference.flat, dtype=np.float64).sum())

    def backward(self, difference: Tensor, scale: float, da: Tensor) -> None:
        np.multiply(difference.flat, scale, out=da.flat)
