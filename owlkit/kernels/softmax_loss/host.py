"""What the implementations on the host share: labels are read and checked, the sum becomes the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.losses import Labels, normalizer

if TYPE_CHECKING:
    from owlkit.kernels.softmax_loss import SoftmaxLoss


class HostKernel:
    """Base of a kernel that has

    sum(x, p, targets, ignored) -> float : writes the probabilities, returns the sum of the rows' losses;
    scatter(p, scale, dx) : dx = scale * (p - onehot), 0 in ignored rows, for the targets of the last `sum`.
    """

    def __init__(self, device: Device, spec: SoftmaxLoss) -> None:
        self._mode, self._batch, self._positions = spec.normalization, spec.batch, spec.positions
        self._normalizer = 1.0

    def sum(self, x: Tensor, p: Tensor, targets: np.ndarray, ignored: np.ndarray | None) -> Any:
        raise TypeError(f"{type(self).__name__} does not define sum")

    def scatter(self, p: Tensor, scale: float, dx: Tensor) -> None:
        raise TypeError(f"{type(self).__name__} does not define scatter")

    def forward(self, x: Tensor, p: Tensor, labels: Labels, loss: Tensor) -> None:
        targets, ignored = labels.targets()
        valid = self._positions if ignored is None else self._positions - int(ignored.sum())
        self._normalizer = normalizer(self._mode, self._batch, self._positions, valid)
        loss.array[...] = self.sum(x, p, targets, ignored) / self._normalizer

    def backward(self, p: Tensor, labels: Labels, weight: Tensor, dx: Tensor) -> None:
        self.scatter(p, float(weight.peek()) / self._normalizer, dx)
