"""PReLU by oneDNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.prelu import PReLU


class PReLUKernel:
    def __init__(self, device: Device, spec: PReLU) -> None:
        md = self._md = MemoryDescriptor.of(spec.x)
        channels = 1 if spec.shared else spec.x.shape[1]
        a = self._a = MemoryDescriptor.plain(1, channels, *[1] * (len(spec.x.shape) - 2))
        self._forward = Primitive(device, "prelu_forward", api.TRAINING, md, a, md)
        self._backward = Primitive(device, "prelu_backward", md, a, md, a, md, self._forward)
        self.detail = self._forward.implementation
        self.forward, self.backward = Bound(self._bind_forward), Bound(self._bind_backward)

    def _memories(self, data: dict[int, Tensor], slopes: dict[int, Tensor]) -> dict[int, Memory]:
        found = {key: Memory.of(tensor, self._md) for key, tensor in data.items()}
        return found | {key: Memory.of(tensor, self._a) for key, tensor in slopes.items()}

    def _bind_forward(self, x: Tensor, a: Tensor, y: Tensor) -> Callable[[], None]:
        return self._forward.bind(self._memories({api.SRC: x, api.DST: y}, {api.WEIGHTS: a}))

    def _bind_backward(self, x: Tensor, a: Tensor, dy: Tensor, dx: Tensor, da: Tensor) -> Callable[[], None]:
        data = {api.SRC: x, api.DIFF_DST: dy, api.DIFF_SRC: dx}
        return self._backward.bind(self._memories(data, {api.WEIGHTS: a, api.DIFF_WEIGHTS: da}))
