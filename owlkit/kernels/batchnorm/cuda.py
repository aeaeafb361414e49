"""Batch normalisation by our CUDA kernels: sums in fixed order, then one pass over the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.cuda import Program, check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.batchnorm import BatchNorm, Statistics

_THREADS = 256
_BLOCKS = 1024  # that share the rows between them: a few for each multiprocessor


def _program(device: GpuDevice, dtype: str, **given: int) -> Program:
    parameters = "float" if dtype in ("float16", "bfloat16") else "T"
    defines: dict[str, Any] = {"VEC": 1, "RELU": 0, "GLOBAL": 0, "P": parameters, **given}
    return program(device, "batchnorm/batchnorm.cu", dtype, **defines)


def _accumulator(dtype: str) -> str:
    return "float64" if dtype == "float64" else "float32"


class BatchNormKernel:
    def __init__(self, device: GpuDevice, spec: BatchNorm) -> None:
        check_count(spec.x)
        outer, self._channels, self._inner = split(spec.x, 1)
        self._rows, self._eps, self._global = outer * self._inner, spec.eps, spec.global_stats
        vec = _vector(spec.x.dtype, self._channels) if self._inner == 1 else 1
        self._packs = spec.x.count // vec
        self._share(vec)
        functions = _program(
            device, spec.x.dtype, VEC=vec, RELU=int(spec.relu), GLOBAL=int(spec.global_stats)
        )
        names = ("sums", "statistics", "prepare", "forward", "gradient_sums", "gradients", "backward")
        self._functions = {name: functions.function(f"batchnorm_{name}") for name in names}
        sums = _accumulator(spec.x.dtype)
        self._partial = Tensor(Descriptor((self._grid[1], 2, self._channels), sums))
        self._kept, self._sums = (Tensor(Descriptor((n, self._channels), sums)) for n in (4, 2))
        size = 8 if sums == "float64" else 4
        self._shared = 2 * vec * _THREADS * size

    def _share(self, vec: int) -> None:
        """Blocks of 256 threads, as wide as the channels (in packs) need, that share channels and rows."""
        packs, width = self._channels // vec, 1
        while width < packs and width < 32:
            width *= 2
        self._block = (width, _THREADS // width, 1)
        across = -(-packs // width)
        down = min(-(-self._rows // self._block[1]), max(1, _BLOCKS // across))
        self._grid = (across, down, 1)

    def _per_channel(self, name: str, *args: object) -> None:
        """A warp for each channel."""
        warps = 4
        self._functions[name].blocks(-(-self._channels // warps), self._channels, *args, threads=32 * warps)

    def forward(
        self, x: Tensor, y: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None
    ) -> None:
        run, channels, inner = self._functions, self._channels, self._inner
        if not self._global:
            args = (self._rows, x, self._partial, channels, inner)
            run["sums"].launch(self._grid, self._block, args, self._shared)
            blocks = self._grid[1]
            self._per_channel("statistics", x, self._partial, mean, variance, blocks, self._rows, inner)
        run["prepare"].each(channels, mean, variance, gamma, beta, self._kept, self._eps)
        run["forward"].each(self._packs, x, y, self._kept, channels, inner)

    def backward(
        self, x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None,
        dy: Tensor, dx: Tensor, dgamma: Tensor | None, dbeta: Tensor | None,
    ) -> None:  # fmt: skip
        run, channels, inner, rows = self._functions, self._channels, self._inner, self._rows
        if not self._global or dgamma is not None or dbeta is not None:
            args = (rows, x, dy, self._kept, self._partial, channels, inner)
            run["gradient_sums"].launch(self._grid, self._block, args, self._shared)
            self._per_channel("gradients", self._partial, self._sums, dgamma, dbeta, self._grid[1])
        run["backward"].each(self._packs, x, dy, self._kept, self._sums, dx, channels, inner, rows)


def _vector(dtype: str, channels: int) -> int:
    """How many neighbouring channels a thread takes: as many as 16 bytes hold, where they allow it."""
    vec = 16 // {"float64": 8, "float32": 4}.get(dtype, 2)
    while channels % vec:
        vec //= 2
    return vec


class StatisticsKernel:
    def __init__(self, device: GpuDevice, spec: Statistics) -> None:
        functions = _program(device, spec.channels.dtype)
        self._spec, self._count = spec, spec.channels.count
        self._follow, self._read = (functions.function(f"statistics_{name}") for name in ("follow", "read"))

    def follow(self, mean: Tensor, variance: Tensor, running: tuple[Tensor, Tensor, Tensor]) -> None:
        spec = self._spec
        self._follow.each(self._count, mean, variance, *running, spec.fraction, spec.unbias)

    def read(self, running: tuple[Tensor, Tensor, Tensor], mean: Tensor, variance: Tensor) -> None:
        self._read.each(self._count, *running, mean, variance)
