"""Bias by oneDNN where it runs along the last axis in memory: channels of images, values of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.bias import Bias


class BiasKernel:
    def __init__(self, device: Device, spec: Bias) -> None:
        outer, length, inner = split(spec.x, spec.axis) if spec.num_axes == 1 else (0, 0, 0)
        if inner != 1:
            raise Unsupported("the values of b are not neighbours in memory")
        self._md = MemoryDescriptor.strided((outer, length), (length, 1), spec.x.dtype)
        self._b = MemoryDescriptor.plain(1, length)
        self._add = Primitive(device, "binary", api.BINARY_ADD, self._md, self._b, self._md)
        self._row = MemoryDescriptor.plain(1, outer)
        self._ones = Tensor(Descriptor((1, outer), spec.x.dtype))
        self._ones.flat[...] = 1
        # A product with ones reads dy once, by all threads.
        self._sum = Primitive(device, "matmul", self._row, self._md, None, self._b)
        self.detail = self._add.implementation
        self.forward, self.gradient = Bound(self._bind), Bound(self._bind_gradient)

    def _bind(self, x: Tensor, b: Tensor, y: Tensor) -> Callable[[], None]:
        memories = {api.SRC: Memory.of(x, self._md), api.SRC_1: Memory.of(b, self._b)}
        return self._add.bind(memories | {api.DST: Memory.of(y, self._md)})

    def _bind_gradient(self, dy: Tensor, db: Tensor) -> Callable[[], None]:
        memories = {api.SRC: Memory.of(self._ones, self._row), api.WEIGHTS: Memory.of(dy, self._md)}
        return self._sum.bind(memories | {api.DST: Memory.of(db, self._b)})
