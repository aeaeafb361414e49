"""Dropout in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.dropout.mask import DrawnOnHost, Mask

if TYPE_CHECKING:
    from owlkit.kernels.dropout import Dropout


class DropoutKernel(DrawnOnHost):
    def __init__(self, device: Device, spec: Dropout) -> None:
        self._mask = Mask(spec.x.count, spec.ratio)
        self._scale = np.dtype(spec.x.dtype).type(1 / (1 - spec.ratio))

    def forward(self, x: Tensor, y: Tensor) -> None:
        y.flat[...] = x.flat * (self._mask.keep.flat * self._scale)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self.forward(dy, dx)
