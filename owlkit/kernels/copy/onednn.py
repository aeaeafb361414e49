"""Copying by oneDNN's reorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.copy import Copy


def _layouts(x: Descriptor, y: Descriptor) -> tuple[MemoryDescriptor, MemoryDescriptor]:
    """Both sides with one and the same shape."""
    if x == y or (x.is_plain and y.is_plain):
        flat = MemoryDescriptor.of(Descriptor((x.count,), x.dtype))
        return flat, flat
    if not x.is_plain and not y.is_plain:
        raise Unsupported("between two channels-last shapes no single reorder copies")
    shape = y.shape if x.is_plain else x.shape
    plain, other = MemoryDescriptor.of(Descriptor(shape, x.dtype)), y if x.is_plain else x
    sides = (plain, MemoryDescriptor.of(other))
    return sides if x.is_plain else sides[::-1]


class CopyKernel:
    def __init__(self, device: Device, spec: Copy) -> None:
        self._source, self._target = _layouts(spec.x, spec.y)
        self._reorder = Primitive(device, "reorder", self._source, self._target)
        self.detail = self._reorder.implementation
        self.forward = Bound(self._bind)

    def _bind(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        return self._reorder.bind({api.SRC: Memory.of(x, self._source), api.DST: Memory.of(y, self._target)})
