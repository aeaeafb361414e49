"""Copying in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.copy import Copy


class CopyKernel:
    def __init__(self, device: Device, spec: Copy) -> None:
        self.spec = spec

    def forward(self, x: Tensor, y: Tensor) -> None:
        y.array[...] = x.array.reshape(self.spec.y.shape)
