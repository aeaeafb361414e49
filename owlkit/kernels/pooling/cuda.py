"""Maximum, average and stochastic pooling by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import Function, program
from owlkit.kernels.cuda.images import HEADERS, blocks_over_rows, channels_at_once, check_images
from owlkit.kernels.cuda.uniform import Uniform

if TYPE_CHECKING:
    from owlkit.kernels.pooling import Pooling, Stochastic

MOST_EXACT = 16
_HEADERS = (*HEADERS, "pooling/window.cuh")
_PLACE_TYPES = {"uint8": "unsigned char", "int32": "int"}


def _compiled_length(size: int, count: int, kernel: int, pad: int) -> int:
    """The length of windows that a program is compiled for, of `count` windows along an axis of `size`.

    A single one that sees all of the axis, as in global pooling, may as well be longer. Beyond `MOST_EXACT`
    it is, up to a power of two: for images of ever new sizes ever new programs would else be compiled.
    """
    sees_all = count == 1 and kernel >= size + 2 * pad
    return 1 << (kernel - 1).bit_length() if sees_all and kernel > MOST_EXACT else kernel


class _Windows:
    """How images are divided among threads, and what the programs are compiled with."""

    def __init__(self, device: GpuDevice, spec: Pooling | Stochastic, pad: tuple[int, int]) -> None:
        check_images(spec.x, spec.y)
        n, channels, height, width = spec.x.shape
        top_height, top_width = spec.y.shape[2:]
        vec = channels_at_once(spec.x.dtype, channels)
        axes = zip(spec.x.shape[2:], spec.y.shape[2:], spec.kernel, pad, strict=True)
        kh, kw = (_compiled_length(*axis) for axis in axes)
        # What backward needs of a choice is its place in the window: one byte, four for windows over 254.
        self.place = "uint8" if kh * kw < 255 else "int32"
        lengths = zip(spec.y.shape[2:], (kh, kw), spec.stride, strict=True)
        # A single window overlaps with no other, whatever the stride.
        sh, sw = (kernel if count == 1 else stride for count, kernel, stride in lengths)
        self.defines = {"VEC": vec, "PLACE": _PLACE_TYPES[self.place]}
        window = {"KH": kh, "KW": kw, "SH": sh, "SW": sw, "PH": pad[0], "PW": pad[1]}
        if not spec.varies:
            self.defines |= window
        units = channels // vec
        self.sizes = height, width, top_height, top_width, units, *window.values()
        self.over_y = blocks_over_rows(n * top_height, top_width, units)
        self.over_x = blocks_over_rows(n * height, width, units)
        self._device, self._dtype = device, spec.x.dtype

    def function(self, source: str, name: str) -> Function:
        """A kernel of pooling.cu or stochastic.cu."""
        path = f"pooling/{source}.cu"
        return program(self._device, path, self._dtype, headers=_HEADERS, **self.defines).function(name)


class PoolingKernel:
    def __init__(self, device: GpuDevice, spec: Pooling) -> None:
        self._windows = windows = _Windows(device, spec, spec.pad)
        self._forward = windows.function("pooling", f"{spec.method}_forward")
        self._backward = windows.function("pooling", f"{spec.method}_backward")
        self._takes_most = spec.method == "max"
        remembers = self._takes_most and spec.data_gradient
        self._places = Tensor(Descriptor(spec.y.shape, windows.place, True)) if remembers else None

    def forward(self, x: Tensor, y: Tensor, indices: Tensor | None = None) -> None:
        extra = (self._places, indices) if self._takes_most else ()
        self._forward.launch(*self._windows.over_y, (x, y, *extra, *self._windows.sizes))

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        extra = (self._places,) if self._takes_most else ()
        self._backward.launch(*self._windows.over_x, (dy, *extra, dx, *self._windows.sizes))


class StochasticKernel:
    """uniform : numbers in (0, 1], one per window, the shape of y."""

    def __init__(self, device: GpuDevice, spec: Stochastic) -> None:
        self._windows = windows = _Windows(device, spec, (0, 0))
        self._draws = spec.draws
        self._numbers = Uniform(device)
        self.moving = self._numbers.moving
        self.uniform = Tensor(Descriptor(spec.y.shape, "float32", True))
        if spec.draws:
            self._forward = windows.function("stochastic", "draw_forward")
            self._backward = windows.function("pooling", "max_backward")
            self._places = Tensor(Descriptor(spec.y.shape, windows.place, True))
        else:
            self._forward = windows.function("stochastic", "mean_forward")
            self._backward = windows.function("stochastic", "mean_backward")
            sums = Descriptor(spec.y.shape, "float64" if spec.y.dtype == "float64" else "float32", True)
            self._inverses, self._means = Tensor(sums), Tensor(sums)

    def draw(self, rng: np.random.Generator) -> None:
        self._numbers.draw(self.uniform)

    def state(self) -> dict[str, Any]:
        return self._numbers.state()

    def restore(self, state: dict[str, Any], rng: np.random.Generator) -> None:
        self._numbers.restore(state, rng)

    def forward(self, x: Tensor, y: Tensor) -> None:
        arrays = (x, self.uniform, y, self._places) if self._draws else (x, y, self._inverses, self._means)
        self._forward.launch(*self._windows.over_y, (*arrays, *self._windows.sizes))

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        arrays = (dy, self._places, dx) if self._draws else (x, dy, self._inverses, self._means, dx)
        self._backward.launch(*self._windows.over_x, (*arrays, *self._windows.sizes))
