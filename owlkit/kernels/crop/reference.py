"""Cropping in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.crop import Crop


class CropKernel:
    def __init__(self, device: Device, spec: Crop) -> None:
        lengths = zip(spec.offsets, spec.y.shape, strict=True)
        self._box = tuple(slice(offset, offset + length) for offset, length in lengths)

    def forward(self, x: Tensor, y: Tensor) -> None:
        y.array[...] = x.array[self._box]

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        dx.flat[...] = 0
        dx.array[self._box] = dy.array
