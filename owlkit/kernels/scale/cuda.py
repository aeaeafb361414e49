"""Scale and shift by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.repeated import Repeated, RepeatedSums

if TYPE_CHECKING:
    from owlkit.kernels.scale import Scale


class ScaleKernel:
    def __init__(self, device: GpuDevice, spec: Scale) -> None:
        shape = spec.x.shape[spec.axis : spec.axis + spec.num_axes]
        small = Descriptor(shape, spec.smaller or spec.x.dtype)
        self._repeated = Repeated(device, spec.x, spec.axis, small.dtype)
        self._repeated.prepare(small)
        if spec.bias:
            self._repeated.prepare(small, small)
        self._sums = RepeatedSums(device, spec.x, spec.axis, shape, term=1, small=small.dtype)

    def forward(self, x: Tensor, y: Tensor, gamma: Tensor, beta: Tensor | None) -> None:
        self._repeated.launch("scale_and_shift", (x, gamma, beta, y), (gamma, beta))

    def backward(
        self, x: Tensor, gamma: Tensor, dy: Tensor, dx: Tensor, dgamma: Tensor, dbeta: Tensor | None
    ) -> None:
        self._sums(x, dy, dgamma, dbeta)  # before dx, which may lie in dy
        self._repeated.launch("scale_and_shift", (dy, gamma, None, dx), (gamma, None))
