"""Sums in NumPy, written for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.reduction import Reduction


class ReductionKernel:
    def __init__(self, device: Device, spec: Reduction) -> None:
        self.spec = spec
        self._axes = tuple(range(spec.axis, len(spec.x.shape)))

    def forward(self, x: Tensor, y: Tensor) -> None:
        function = {"ASUM": np.abs, "SUMSQ": np.square}.get(self.spec.operation, np.positive)
        y.array[...] = self.spec.factor * function(x.array).sum(axis=self._axes)

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        slope = self.spec.factor * np.expand_dims(dy.array, self._axes)
        if self.spec.operation == "ASUM":
            slope = slope * np.sign(x.array)
        elif self.spec.operation == "SUMSQ":
            slope = slope * 2 * x.array
        dx.array[...] = slope
