"""What the implementations on the host share: costs that are ignored, and the sum made the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.losses import normalizer

if TYPE_CHECKING:
    from owlkit.kernels.sigmoid_loss import SigmoidLoss


class HostKernel:
    """Base of a kernel that has

    costs(x, t, cost) : writes the cost of each value;
    slopes(x, t, scale, dx) : dx = scale * (sigmoid(x) - t).
    """

    def __init__(self, device: Device, spec: SigmoidLoss) -> None:
        self._loss, self._normalizer = spec, 1.0
        self._cost = Tensor(spec.x)

    def costs(self, x: Tensor, t: Tensor, cost: Tensor) -> None:
        raise TypeError(f"{type(self).__name__} does not define costs")

    def slopes(self, x: Tensor, t: Tensor, scale: float, dx: Tensor) -> None:
        raise TypeError(f"{type(self).__name__} does not define slopes")

    def forward(self, x: Tensor, t: Tensor, loss: Tensor) -> None:
        spec, cost = self._loss, self._cost.flat
        self.costs(x, t, self._cost)
        valid = cost.size
        if spec.ignore is not None:
            keep = t.flat != spec.ignore
            np.multiply(cost, keep, out=cost)
            valid = int(keep.sum())
        self._normalizer = normalizer(spec.normalization, spec.batch, cost.size, valid)
        loss.array[...] = float(cost.sum()) / self._normalizer

    def backward(self, x: Tensor, t: Tensor, weight: Tensor, dx: Tensor) -> None:
        self.slopes(x, t, float(weight.peek()) / self._normalizer, dx)
        if self._loss.ignore is not None:
            np.multiply(dx.flat, t.flat != self._loss.ignore, out=dx.flat)
