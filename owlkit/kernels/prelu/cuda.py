"""PReLU by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.repeated import Repeated, RepeatedSums

if TYPE_CHECKING:
    from owlkit.kernels.prelu import PReLU


class PReLUKernel:
    def __init__(self, device: GpuDevice, spec: PReLU) -> None:
        shape = () if spec.shared else (spec.x.shape[1],)
        small = spec.smaller or spec.x.dtype
        self._repeated = Repeated(device, spec.x, 1, small)
        self._repeated.prepare(Descriptor(shape, small))
        self._sums = RepeatedSums(device, spec.x, 1, shape, term=2, small=small)

    def forward(self, x: Tensor, a: Tensor, y: Tensor) -> None:
        self._repeated.launch("rectify", (x, x, a, y), (a,))

    def backward(self, x: Tensor, a: Tensor, dy: Tensor, dx: Tensor, da: Tensor) -> None:
        self._sums(x, dy, da)  # before dx, which may lie in dy
        self._repeated.launch("rectify", (x, dy, a, dx), (a,))
