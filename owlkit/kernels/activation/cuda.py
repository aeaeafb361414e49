"""Activations by our CUDA kernels, on memory order (the layout does not matter elementwise)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, pack, program

if TYPE_CHECKING:
    from owlkit.kernels.activation import Activation

_KINDS = {"relu": 0, "sigmoid": 1, "tanh": 2}


class ActivationKernel:
    def __init__(self, device: GpuDevice, spec: Activation) -> None:
        check_count(spec.x)
        compiled = program(device, "activation/activation.cu", spec.x.dtype, KIND=_KINDS[spec.kind])
        self._count, self._slope, self._per_thread = spec.x.count, spec.slope, pack(spec.x.dtype)
        self._forward = compiled.function("activation_forward")
        self._backward = compiled.function("activation_backward")

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._forward.each(self._count, x, y, self._slope, per_thread=self._per_thread)

    def backward(self, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        self._backward.each(self._count, y, dy, dx, self._slope, per_thread=self._per_thread)
