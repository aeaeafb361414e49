"""Tiles by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.units import unit

if TYPE_CHECKING:
    from owlkit.kernels.tile import Tile


class TileKernel:
    def __init__(self, device: GpuDevice, spec: Tile) -> None:
        outer, tiles, width = spec.groups
        check_count(Descriptor((outer * tiles * width,)))
        kind, size = unit(spec.x.dtype, width)
        compiled = program(device, "tile/tile.cu", spec.x.dtype, UNIT=kind)
        self._tile, self._untile = compiled.function("tile"), compiled.function("untile")
        self._units = (outer * tiles * width // size, tiles, width // size)
        self._values = (outer * width, tiles, width)

    def forward(self, x: Tensor, y: Tensor) -> None:
        count, *numbers = self._units
        self._tile.each(count, x, y, *numbers)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        count, *numbers = self._values
        self._untile.each(count, dy, dx, *numbers)
