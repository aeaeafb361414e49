"""The highest values by our CUDA kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.cuda import check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.argmax import ArgMax

_WARPS = 4  # rows that a block takes


class ArgMaxKernel:
    def __init__(self, device: GpuDevice, spec: ArgMax) -> None:
        check_count(spec.x, spec.y)
        x, y, top_k = spec.x, spec.y, spec.top_k
        if spec.axis is None:
            outer, length, inner = x.shape[0], spec.candidates, 1
            channels = 1 if x.is_plain else x.shape[1]
            mode, width = (3, 2 * top_k) if spec.values else (1, top_k)
            # (N, 2, top_k, 1) lies channels-last: the index and the value of a rank are neighbours.
            places = (width, y.strides[2], y.strides[1])
        else:
            outer, length, inner = split(x, spec.axis)
            channels, mode, places = 1, 2 if spec.values else 1, (top_k * inner, inner, 0)
        self._rows = outer * inner
        self._numbers = (length, inner, channels, top_k, *places)
        self._argmax = program(device, "argmax/argmax.cu", x.dtype, MODE=mode).function("argmax")

    def forward(self, x: Tensor, y: Tensor) -> None:
        blocks = -(-self._rows // _WARPS)
        self._argmax.blocks(blocks, self._rows, x, y, *self._numbers, threads=32 * _WARPS)
