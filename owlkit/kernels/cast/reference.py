"""Casting in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.cast import Cast


class CastKernel:
    def __init__(self, device: Device, spec: Cast) -> None:
        """There is nothing to prepare."""

    def forward(self, x: Tensor, y: Tensor) -> None:
        y.array[...] = x.peek().astype(y.dtype)
