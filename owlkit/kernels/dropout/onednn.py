"""Dropout by oneDNN: one multiplication by bytes, with the scale as a factor of the mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Bound, Memory, MemoryDescriptor, Primitive
from owlkit.kernels.dropout.mask import DrawnOnHost, Mask

if TYPE_CHECKING:
    from owlkit.kernels.dropout import Dropout


class DropoutKernel(DrawnOnHost):
    def __init__(self, device: Device, spec: Dropout) -> None:
        self._md = MemoryDescriptor.strided((spec.x.count,), (1,), spec.x.dtype)
        mask_md = MemoryDescriptor.strided((spec.x.count,), (1,), "uint8")
        self._multiply = Primitive(
            device, "binary", api.BINARY_MUL, self._md, mask_md, self._md,
            attributes=Attributes(scales=[api.SRC_1]),
        )  # fmt: skip
        self._mask = Mask(spec.x.count, spec.ratio)
        self._mask_memory = Memory.of(self._mask.keep, mask_md)
        scale = Tensor(Descriptor((1,)))
        scale.flat[...] = 1 / (1 - spec.ratio)
        self._scale = Memory.of(scale)
        self._scale_tensor = scale
        self.detail = self._multiply.implementation
        self.forward = self.backward = Bound(self._bind)

    def _bind(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        return self._multiply.bind(
            {
                api.SRC: Memory.of(x, self._md),
                api.SRC_1: self._mask_memory,
                api.DST: Memory.of(y, self._md),
                api.ATTR_SCALES | api.SRC_1: self._scale,
            }
        )
