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

    def forward(self, a: Tensor, b: Tensor, difference: Tensor, loss: Tensor) -> None:
        np.subtract(a.flat, b.flat, out=difference.flat)
        squares = np.square(difference.flat, dtype=np.float64).sum()
        loss.array[...] = squares / (2 * max(self.spec.batch, 1))

    def backward(self, difference: Tensor, weight: Tensor, sign: int, da: Tensor) -> None:
        scale = sign * float(weight.peek()) / max(self.spec.batch, 1)
        np.multiply(difference.flat, scale, out=da.flat)
