"""Casting by our CUDA kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.program import TYPES

if TYPE_CHECKING:
    from owlkit.kernels.cast import Cast

_PER_THREAD = 8  # what a thread reads and writes at once, in either type


class CastKernel:
    def __init__(self, device: GpuDevice, spec: Cast) -> None:
        check_count(spec.x)
        compiled = program(device, "cast/cast.cu", spec.dtype, FROM=TYPES[spec.x.dtype][0])
        self._count, self._cast = spec.x.count, compiled.function("cast")

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._cast.each(self._count, x, y, per_thread=_PER_THREAD)
