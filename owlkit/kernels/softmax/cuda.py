"""Softmax by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.cuda import check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.softmax import Softmax

WARPS = 4  # rows that a block takes


class SoftmaxKernel:
    def __init__(self, device: GpuDevice, spec: Softmax) -> None:
        check_count(spec.x)
        compiled = program(device, "softmax/softmax.cu", spec.x.dtype, headers=("softmax/rows.cuh",))
        outer, self._length, self._inner = split(spec.x, spec.axis)
        self._rows = outer * self._inner
        way = "rows" if self._inner == 1 else "strided"
        self._forward = compiled.function(f"softmax_{way}")
        self._backward = compiled.function(f"softmax_{way}_backward")

    def forward(self, x: Tensor, y: Tensor) -> None:
        if self._inner == 1:
            self._forward.blocks(-(-self._rows // WARPS), self._rows, x, y, self._length, threads=32 * WARPS)
        else:
            self._forward.each(self._rows, x, y, self._length, self._inner)

    def backward(self, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        if self._inner == 1:
            blocks = -(-self._rows // WARPS)
            self._backward.blocks(blocks, self._rows, y, dy, dx, self._length, threads=32 * WARPS)
        else:
            self._backward.each(self._rows, y, dy, dx, self._length, self._inner)
