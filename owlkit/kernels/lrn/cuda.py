"""Local response normalisation by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import Program, program
from owlkit.kernels.cuda.images import HEADERS, blocks_over_rows, channels_at_once, check_images

if TYPE_CHECKING:
    from owlkit.kernels.lrn import LRN

_POWERS = {0.75: 75, 0.5: 50}


class _AcrossKernel:
    def __init__(self, compiled: Program, spec: LRN, vec: int) -> None:
        rate = spec.alpha / spec.size
        self._sizes = spec.x.shape[1] // vec, rate, spec.k, spec.beta
        self._count, self._factor = spec.x.count // vec, 2 * spec.beta * rate
        self._forward = compiled.function("across_forward")
        self._backward = compiled.function("across_backward")

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._forward.each(self._count, x, y, *self._sizes)

    def backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        self._backward.each(self._count, x, dy, dx, *self._sizes, self._factor)


class _WithinKernel:
    def __init__(self, compiled: Program, spec: LRN, vec: int) -> None:
        n, channels, height, width = spec.x.shape
        rate, units = spec.alpha / spec.size**2, channels // vec
        self._sizes, self._factors = (height, width, units), (rate, spec.k, spec.beta)
        self._gradient_factors = spec.beta, 2 * spec.beta * rate
        self._grid = blocks_over_rows(n * height, width, units)
        sums = "float64" if spec.x.dtype == "float64" else "float32"
        self._scales = Tensor(Descriptor(spec.x.shape, sums, True))
        self._forward = compiled.function("within_forward")
        self._backward = compiled.function("within_backward")

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._forward.launch(*self._grid, (x, y, self._scales, *self._sizes, *self._factors))

    def backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        arrays = x, y, self._scales, dy, dx
        self._backward.launch(*self._grid, (*arrays, *self._sizes, *self._gradient_factors))


class LRNKernel:
    """Either of the two."""

    def __init__(self, device: GpuDevice, spec: LRN) -> None:
        check_images(spec.x)
        vec = channels_at_once(spec.x.dtype, spec.x.shape[1])
        defines = {"VEC": vec, "WINDOW": spec.size, "POWER": _POWERS.get(spec.beta, 0)}
        compiled = program(device, "lrn/lrn.cu", spec.x.dtype, headers=HEADERS, **defines)
        kernel = (_WithinKernel if spec.within else _AcrossKernel)(compiled, spec, vec)
        self.forward, self.backward = kernel.forward, kernel.backward
