"""Bias by oneDNN where it runs along the last axis in memory: channels of images, values of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.bias import Bias

_ROWS = 1 << 12  # summed by one product: the error of a sum grows with its length


class BiasKernel:
    def __init__(self, device: Device, spec: Bias) -> None:
        outer, length, inner = split(spec.x, spec.axis) if spec.num_axes == 1 else (0, 0, 0)
        if inner != 1:
            raise Unsupported("the values of b are not neighbours in memory")
        self._shape = outer, length
        self._md = MemoryDescriptor.strided((outer, length), (length, 1), spec.x.dtype)
        self._b = MemoryDescriptor.plain(1, length)
        self._add = Primitive(device, "binary", api.BINARY_ADD, self._md, self._b, self._md)
        self._ones = np.ones(min(outer, _ROWS), spec.x.dtype)
        self.detail = self._add.implementation
        self.forward = Bound(self._bind)

    def _bind(self, x: Tensor, b: Tensor, y: Tensor) -> Callable[[], None]:
        memories = {api.SRC: Memory.of(x, self._md), api.SRC_1: Memory.of(b, self._b)}
        return self._add.bind(memories | {api.DST: Memory.of(y, self._md)})

    def gradient(self, dy: Tensor, db: Tensor) -> None:
        """A product with ones: it reads dy once, twice as fast as NumPy's sum over rows."""
        rows, total = dy.flat.reshape(self._shape), db.flat
        total[...] = 0
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            total += self._ones[: len(part)] @ part
