"""Bias by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.repeated import Repeated, RepeatedSums

if TYPE_CHECKING:
    from owlkit.kernels.bias import Bias


class BiasKernel:
    def __init__(self, device: GpuDevice, spec: Bias) -> None:
        shape = spec.x.shape[spec.axis : spec.axis + spec.num_axes]
        small = spec.smaller or spec.x.dtype
        self._repeated = Repeated(device, spec.x, spec.axis, small)
        self._repeated.prepare(Descriptor(shape, small))
        self._sums = RepeatedSums(device, spec.x, spec.axis, shape, term=0, small=small)

    def forward(self, x: Tensor, b: Tensor, y: Tensor) -> None:
        self._repeated.launch("scale_and_shift", (x, None, b, y), (None, b))

    def gradient(self, dy: Tensor, db: Tensor) -> None:
        self._sums(None, dy, db)
