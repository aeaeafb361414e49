"""The sigmoid's cross-entropy by oneDNN, on memory order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import (
    Attributes,
    Bound,
    Memory,
    MemoryDescriptor,
    Primitive,
    in_sequence,
)
from owlkit.kernels.sigmoid_loss.host import HostKernel

if TYPE_CHECKING:
    from owlkit.kernels.sigmoid_loss import SigmoidLoss


class SigmoidLossKernel(HostKernel):
    def __init__(self, device: Device, spec: SigmoidLoss) -> None:
        super().__init__(device, spec)
        md = self._md = MemoryDescriptor.strided((spec.x.count,), (1,), spec.x.dtype)
        self._device = device
        self._abs, self._relu = self._eltwise(api.ABS), self._eltwise(api.RELU)
        # log(sigmoid(|x|)) = -log(1 + exp(-|x|)), to within 1e-7; oneDNN's softplus errs by 1e-7 |x|.
        self._sigmoid, self._log = self._eltwise(api.LOGISTIC), self._eltwise(api.LOG)
        # x * t - max(x, 0) - log(1 + exp(-|x|)), the cost with the other sign; then turned round.
        chain = Attributes([("binary", api.BINARY_SUB, md), ("binary", api.BINARY_ADD, md)])
        self._join = Primitive(device, "binary", api.BINARY_MUL, md, md, md, attributes=chain)
        self._turn = self._eltwise(api.LINEAR, -1.0)
        scaled = Attributes(scales=(api.SRC, api.SRC_1))
        self._difference = Primitive(device, "binary", api.BINARY_SUB, md, md, md, attributes=scaled)
        self._positive, self._smoothed, self._scale = Tensor(spec.x), Tensor(spec.x), Tensor(Descriptor((1,)))
        self.detail = self._join.implementation
        self._forward, self._backward = Bound(self._bind_forward), Bound(self._bind_backward)

    def _eltwise(self, algorithm: int, alpha: float = 0.0) -> Primitive:
        md = self._md
        return Primitive(self._device, "eltwise_forward", api.TRAINING, algorithm, md, md, alpha, 0.0)

    def _memory(self, tensor: Tensor) -> Memory:
        return Memory.of(tensor, self._md)

    def _call(self, primitive: Primitive, x: Tensor, y: Tensor) -> Callable[[], None]:
        return primitive.bind({api.SRC: self._memory(x), api.DST: self._memory(y)})

    def _bind_forward(self, x: Tensor, t: Tensor, cost: Tensor) -> Callable[[], None]:
        join = {
            api.SRC: x,
            api.SRC_1: t,
            api.DST: cost,
            api.post_op_source(0): self._positive,
            api.post_op_source(1): self._smoothed,
        }
        return in_sequence(
            self._call(self._abs, x, self._smoothed),
            self._call(self._sigmoid, self._smoothed, self._smoothed),
            self._call(self._log, self._smoothed, self._smoothed),
            self._call(self._relu, x, self._positive),
            self._join.bind({key: self._memory(tensor) for key, tensor in join.items()}),
            self._call(self._turn, cost, cost),
        )

    def costs(self, x: Tensor, t: Tensor, cost: Tensor) -> None:
        self._forward(x, t, cost)

    def slopes(self, x: Tensor, t: Tensor, scale: float, dx: Tensor) -> None:
        self._scale.flat[0] = scale
        self._backward(x, t, dx)

    def _bind_backward(self, x: Tensor, t: Tensor, dx: Tensor) -> Callable[[], None]:
        scale = Memory.of(self._scale)
        memories = {key: self._memory(tensor) for key, tensor in {api.SRC: dx, api.SRC_1: t}.items()}
        scales = {api.ATTR_SCALES | api.SRC: scale, api.ATTR_SCALES | api.SRC_1: scale}
        difference = self._difference.bind(memories | scales | {api.DST: self._memory(dx)})
        return in_sequence(self._call(self._sigmoid, x, dx), difference)
