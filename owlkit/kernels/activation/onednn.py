"""Activations by oneDNN, on memory order (the layout does not matter elementwise)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.activation import Activation

# kind -> (forward algorithm, backward algorithm that reads the forward's result)
_ALGORITHMS = {
    "relu": (api.RELU, api.RELU_FROM_DST),
    "tanh": (api.TANH, api.TANH_FROM_DST),
    "sigmoid": (api.LOGISTIC, api.LOGISTIC_FROM_DST),
}


class ActivationKernel:
    def __init__(self, device: Device, spec: Activation) -> None:
        md = MemoryDescriptor.strided((spec.x.count,), (1,), spec.x.dtype)
        forward, backward = _ALGORITHMS[spec.kind]
        self._md = md
        self._zero: dict[int, Memory] = {}
        if spec.kind == "relu" and not spec.slope:
            # A sum with 0, because what oneDNN does elementwise takes no operation behind it.
            one = MemoryDescriptor.plain(1)
            attributes = Attributes([("relu",)])
            self._forward = Primitive(device, "binary", api.BINARY_ADD, md, one, md, attributes=attributes)
            self._zero = {api.SRC_1: Memory.fresh(one)}
        else:
            self._forward = Primitive(
                device, "eltwise_forward", api.TRAINING, forward, md, md, spec.slope, 0.0
            )
        # The forward description is only a hint, but it must name the same algorithm.
        hint = Primitive(device, "eltwise_forward", api.TRAINING, backward, md, md, spec.slope, 0.0)
        self._backward = Primitive(device, "eltwise_backward", backward, md, md, md, spec.slope, 0.0, hint)
        self.detail = self._forward.implementation
        self.forward = Bound(self._bind_forward)
        self.backward = Bound(self._bind_backward)

    def _memory(self, tensor: Tensor) -> Memory:
        return Memory.of(tensor, self._md)

    def _bind_forward(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        return self._forward.bind({api.SRC: self._memory(x), api.DST: self._memory(y), **self._zero})

    def _bind_backward(self, y: Tensor, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        memories = {api.DST: y, api.DIFF_DST: dy, api.DIFF_SRC: dx}
        return self._backward.bind({k: self._memory(t) for k, t in memories.items()})
