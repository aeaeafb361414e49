"""Softmax by oneDNN, on memory seen as (outer, length, inner)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.softmax import Softmax


class SoftmaxKernel:
    def __init__(self, device: Device, spec: Softmax) -> None:
        outer, length, inner = split(spec.x, spec.axis)
        strides = (length * inner, inner, 1)
        # Without the axis of length 1 oneDNN takes its vectorised code for contiguous rows.
        axes = 2 if inner == 1 else 3
        md = MemoryDescriptor.strided((outer, length, inner)[:axes], strides[:axes], spec.x.dtype)
        self._md = md
        self._forward = Primitive(device, "softmax_forward", api.TRAINING, api.SOFTMAX_ACCURATE, md, md, 1)
        self._backward = Primitive(
            device, "softmax_backward", api.SOFTMAX_ACCURATE, md, md, md, 1, self._forward
        )
        self.detail = self._forward.implementation
        self.forward = Bound(self._bind_forward)
        self.backward = Bound(self._bind_backward)

    def _bind_forward(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        return self._forward.bind({api.SRC: Memory.of(x, self._md), api.DST: Memory.of(y, self._md)})

    def _bind_backward(self, y: Tensor, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        memories = {api.DST: y, api.DIFF_DST: dy, api.DIFF_SRC: dx}
        return self._backward.bind({k: Memory.of(t, self._md) for k, t in memories.items()})
