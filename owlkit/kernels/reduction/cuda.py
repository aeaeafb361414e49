"""Sums over the last axes by our CUDA kernels for a tensor that is repeated along some axes of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.repeated import Repeated, RepeatedSums

if TYPE_CHECKING:
    from owlkit.kernels.reduction import Reduction

#: By operation: the term of the sums, and the kind of f in the gradient.
_TERMS = {"SUM": (0, 0), "MEAN": (0, 0), "ASUM": (3, 1), "SUMSQ": (4, 2)}


class ReductionKernel:
    def __init__(self, device: GpuDevice, spec: Reduction) -> None:
        term, self._kind = _TERMS[spec.operation]
        shape, self._factor = spec.x.shape[: spec.axis], spec.factor
        self._sums = RepeatedSums(device, spec.x, 0, shape, term, spec.factor)
        self._spread = Repeated(device, spec.x, 0)
        self._spread.prepare(Descriptor(shape, spec.x.dtype, len(shape) == 4))

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._sums(None, x, y)

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        self._spread.launch("spread", (x, dy, dx), (dy,), (self._kind, self._factor))
