"""Tiles in memory order, shared by threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.tile import Tile


class TileKernel:
    """In memory a tile is `width` neighbouring values, and the copies of one stand side by side."""

    def __init__(self, device: Device, spec: Tile) -> None:
        self._all = outer, _tiles, width = spec.groups
        self._one = outer, width
        # What is shared: rows, or the columns of a single row.
        self._by_rows = outer > 1
        self._length = outer if self._by_rows else width

    def _part(self, start: int, stop: int) -> tuple[slice, slice]:
        part, whole = slice(start, stop), slice(None)
        return (part, whole) if self._by_rows else (whole, part)

    def forward(self, x: Tensor, y: Tensor) -> None:
        one, copies = x.flat.reshape(self._one), y.flat.reshape(self._all)

        def fill(start: int, stop: int) -> None:
            rows, columns = self._part(start, stop)
            np.copyto(copies[rows, :, columns], one[rows, None, columns])

        share(self._length, copies.size, fill)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        one, copies = dx.flat.reshape(self._one), dy.flat.reshape(self._all)

        def add(start: int, stop: int) -> None:
            rows, columns = self._part(start, stop)
            # A sum over the axis in the middle takes NumPy's own `sum` three times as long.
            np.einsum("itw->iw", copies[rows, :, columns], out=one[rows, columns])

        share(self._length, copies.size, add)
