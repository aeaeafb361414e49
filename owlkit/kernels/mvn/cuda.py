"""MVN by our CUDA kernels: one launch each way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.totals import THREADS, accumulator

if TYPE_CHECKING:
    from owlkit.kernels.mvn import MVN

_ACROSS = 32  # neighbouring groups that a block takes, where values of several lie side by side
_MOST = 65535  # blocks along the grid's second axis


class MVNKernel:
    def __init__(self, device: GpuDevice, spec: MVN) -> None:
        check_count(spec.x)
        outer, length, inner = spec.groups
        width = min(_ACROSS, 1 << (inner - 1).bit_length()) if inner else 1
        if -(-inner // width) > _MOST:
            raise Unsupported(f"{inner} channels are more than the kernels reach")
        self._grid, self._block = (outer, -(-inner // width), 1), (width, THREADS // width, 1)
        sums = accumulator(spec.x.dtype)
        self._shared = 2 * THREADS * (8 if sums == "float64" else 4)
        self._kept = Tensor(Descriptor((2, outer * inner), sums))
        self._sizes, self._eps = (length, inner), spec.eps
        compiled = program(device, "mvn/mvn.cu", spec.x.dtype, SCALED=int(spec.scaled))
        self._forward, self._backward = (compiled.function(f"mvn_{name}") for name in ("forward", "backward"))

    def forward(self, x: Tensor, y: Tensor) -> None:
        args = (x, y, self._kept, *self._sizes, self._eps)
        self._forward.launch(self._grid, self._block, args, self._shared)

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        args = (x, dy, self._kept, dx, *self._sizes)
        self._backward.launch(self._grid, self._block, args, self._shared)
