"""Copies between layouts by our CUDA kernels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.program import check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.copy import Copy

TILE, TILE_ROWS = 32, 8  # as in copy.cu


def _sizes(descriptor: Descriptor) -> tuple[int, int, int]:
    """(images, channels, pixels of a plane)"""
    n, channels, *plane = descriptor.shape
    return n, channels, math.prod(plane)


class CopyKernel:
    """Plain and channels-last into each other are transpositions, image by image."""

    def __init__(self, device: GpuDevice, spec: Copy) -> None:
        check_count(spec.x)
        self._gpu, self._nbytes, self._count = device.gpu, spec.x.nbytes, spec.x.count
        compiled = program(device, "copy/copy.cu", spec.x.dtype)
        self._transpose, self._reshape = compiled.function("transpose"), compiled.function("reshape_images")
        x, y = spec.x, spec.y
        if (x.is_plain and y.is_plain) or (x.channels_last and y.channels_last and x.shape == y.shape):
            self.forward = self._as_it_is
        elif x.is_plain or y.is_plain:
            n, channels, plane = _sizes(y if x.is_plain else x)
            self._matrix = (channels, plane) if x.is_plain else (plane, channels)
            tiles = math.prod(-(-length // TILE) for length in self._matrix)
            self._grid = (n * tiles, 1, 1)
            self.forward = self._transposed
        else:
            self._sides = *_sizes(x)[1:], *_sizes(y)[1:]
            self.forward = self._reshaped

    def _as_it_is(self, x: Tensor, y: Tensor) -> None:
        source = self._gpu.pointer(x, reads=True, writes=False)
        self._gpu.driver.copy(self._gpu.pointer(y, reads=False, writes=True), source, self._nbytes)

    def _transposed(self, x: Tensor, y: Tensor) -> None:
        self._transpose.launch(self._grid, (TILE, TILE_ROWS, 1), (x, y, *self._matrix))

    def _reshaped(self, x: Tensor, y: Tensor) -> None:
        self._reshape.each(self._count, x, y, *self._sides)
