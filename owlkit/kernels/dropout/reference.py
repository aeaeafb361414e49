"""Dropout in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.dropout.mask import Mask

if TYPE_CHECKING:
    from owlkit.kernels.dropout import Dropout


class DropoutKernel:
    def __init__(self, device: Device, spec: Dropout) -> None:
        self._mask = Mask(spec.x.count, spec.ratio)
        self._scale = np.dtype(spec.x.dtype).type(1 / (1 - spec.ratio))

    def draw(self, rng: np.random.Generator) -> None:
        self._mask.draw(rng)

    def forward(self, x: Tensor, y: Tensor) -> None:
        y.flat[...] = x.flat * (self._mask.keep.flat * self._scale)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self.forward(dy, dx)
