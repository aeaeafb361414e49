"""Tiles in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.tile import Tile


class TileKernel:
    def __init__(self, device: Device, spec: Tile) -> None:
        self.spec = spec

    def forward(self, x: Tensor, y: Tensor) -> None:
        y.array[...] = np.concatenate([x.array] * self.spec.tiles, axis=self.spec.axis)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        dx.array[...] = sum(np.split(dy.array, self.spec.tiles, axis=self.spec.axis))
