"""Copies of a tensor side by side along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.axes import split
from owlkit.kernels.tile import cuda, reference, threads


@dataclass(frozen=True)
class Tile:
    """y = `tiles` copies of x joined along `axis`.

    x : descriptor of the bottom; y has its layout. axis : non-negative, in Caffe's order.
    """

    x: Descriptor
    axis: int
    tiles: int

    @property
    def groups(self) -> tuple[int, int, int]:
        """(outer, tiles, width): a shape of y in memory; x is (outer, width)."""
        outer, length, inner = split(self.x, self.axis)
        return outer, self.tiles, length * inner


def make(device: Device, spec: Tile) -> Any:
    """A kernel with `forward(x, y)` and `backward(dy, dx)`, dx the sum of dy over the copies."""
    found = {"cuda": cuda.TileKernel, "threads": threads.TileKernel, "reference": reference.TileKernel}
    return choose(device, spec, found)
