"""Elementwise functions by our CUDA kernels, on memory order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.elementwise import Elementwise

_KINDS = ("abs", "power", "exp", "log", "bnll", "elu", "swish", "clip", "threshold")


class ElementwiseKernel:
    def __init__(self, device: GpuDevice, spec: Elementwise) -> None:
        check_count(spec.x)
        kind = _KINDS.index(spec.kind)
        compiled = program(device, "elementwise/elementwise.cu", spec.x.dtype, KIND=kind)
        self._count, self._per_thread = spec.x.count, pack(spec.x.dtype)
        self._numbers = (spec.alpha, spec.beta, spec.scale, spec.shift, spec.factor)
        self._forward = compiled.function("elementwise_forward")
        self._backward = compiled.function("elementwise_backward")

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._forward.each(self._count, x, y, *self._numbers, per_thread=self._per_thread)

    def backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        self._backward.each(self._count, x, y, dy, dx, *self._numbers, per_thread=self._per_thread)
