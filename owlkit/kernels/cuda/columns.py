"""What a convolution's window sees, as a matrix, and the sum back (Caffe's im2col and col2im)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda.images import (
    HEADERS,
    MOST_ACROSS,
    blocks_over_rows,
    channels_at_once,
    check_images,
)
from owlkit.kernels.cuda.program import LARGEST_INDEX, THREADS, check_count, program


@dataclass(frozen=True)
class Window:
    """One number per spatial axis of each. out : how many places the window has."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    out: tuple[int, ...]


class ImageColumns:
    """Columns of channels-last images: (group, images * places, depth), depth = window * channels / group.

    channels_first : whether depth runs (channel, place in the window), as in plain weights, and not (place,
        channel), as in channels-last weights.
    """

    def __init__(
        self, device: GpuDevice, x: Descriptor, window: Window, group: int = 1, channels_first: bool = False
    ) -> None:
        check_images(x)
        self._channels, self._height, self._width = x.shape[1:]
        self._window, self._group = window, group
        mine, area = self._channels // group, math.prod(window.kernel)
        first = channels_first and mine > 1 and area > 1
        vec = 1 if first else channels_at_once(x.dtype, mine)
        self.depth, self._units = mine * area, self._channels // vec
        self._steps = (area, 1) if first else (vec, mine)
        self._mine = mine // vec
        compiled = program(device, "cuda/columns.cu", x.dtype, headers=HEADERS, VEC=vec)
        self._gather, self._scatter = (
            compiled.function("gather_columns"),
            compiled.function("scatter_columns"),
        )

    @property
    def count_per_image(self) -> int:
        """Elements of the columns of one image, of all groups."""
        return self._group * math.prod(self._window.out) * self.depth

    def _numbers(self, first: int, images: int) -> tuple[int, ...]:
        window = self._window
        pixels = images * math.prod(window.out)
        if images * self.count_per_image > LARGEST_INDEX:
            raise Unsupported(f"{images * self.count_per_image} columns are more than indices reach")
        sizes = first, self._height, self._width, self._units
        return (
            *sizes, *window.out, *window.kernel, *window.stride, *window.pad, *window.dilation,
            self._mine, pixels * self.depth, *self._steps, self.depth,
        )  # fmt: skip

    def gather(self, x: Tensor, columns: Tensor | int, first: int, images: int) -> None:
        """Write the columns of `images` images from number `first` on."""
        out_height, out_width = self._window.out
        items = self._window.kernel[1] * self._units
        across = min(items, MOST_ACROSS)
        grid = (images * out_height, self._window.kernel[0], -(-items // across))
        block = (across, max(1, min(out_width, THREADS // across)), 1)
        self._gather.launch(grid, block, (x, columns, *self._numbers(first, images)))

    def scatter(self, columns: Tensor | int, dx: Tensor, first: int, images: int) -> None:
        """Write the gradient of these images: for each value, the sum over where it went."""
        grid, block = blocks_over_rows(images * self._height, self._width, self._units)
        self._scatter.launch(grid, block, (columns, dx, *self._numbers(first, images)))


class PlaneColumns:
    """Columns of (images, channels, *spatial) in C order, at most three spatial: (images, depth, places)."""

    def __init__(self, device: GpuDevice, x: Descriptor, window: Window) -> None:
        axes = len(window.kernel)
        if not 1 <= axes <= 3 or not x.is_plain:
            raise Unsupported(f"{axes} spatial axes" if x.is_plain else "not in C order")
        check_count(x)
        images, channels, *sizes = x.shape
        self.depth = channels * math.prod(window.kernel)
        self.count_per_image = self.depth * math.prod(window.out)
        self._x_count, self._channels = x.count // max(images, 1), channels
        ones = (1,) * (3 - axes)
        x_sizes, y_sizes = (*ones, *sizes), (*ones, *window.out)
        self._over_y = (*x_sizes, *y_sizes, *_divisions(y_sizes))
        self._over_x = (*x_sizes, *y_sizes, *_divisions(x_sizes))
        numbers = {"K": window.kernel, "S": window.stride, "P": window.pad, "D": window.dilation}
        defines: dict[str, Any] = {}
        for name, values in numbers.items():
            full = ((0,) * (3 - axes) if name == "P" else ones) + tuple(values)
            defines |= {f"{name}{i}": value for i, value in enumerate(full)}
        compiled = program(device, "cuda/planes.cu", x.dtype, **defines)
        self._gather, self._scatter = compiled.function("gather_planes"), compiled.function("scatter_planes")

    def gather(self, x: Tensor, columns: Tensor | int, first: int, images: int) -> None:
        """Write the columns of `images` images from number `first` on."""
        count = images * self.count_per_image
        self._gather.each(count, x, columns, first * self._channels, *self._over_y)

    def scatter(self, columns: Tensor | int, dx: Tensor, first: int, images: int) -> None:
        """Write the gradient of these images: for each value, the sum over where it went."""
        count = images * self._x_count
        self._scatter.each(count, columns, dx, first * self._channels, *self._over_x)


def _divisions(lengths: Sequence[int]) -> tuple[int, ...]:
    """Factors and shifts by which a kernel divides by each length; see `rest_of` in planes.cu."""
    lengths = [max(length, 1) for length in lengths]  # without values nothing is divided
    shifts = [(length - 1).bit_length() for length in lengths]
    pairs = zip(lengths, shifts, strict=True)
    factors = [((1 << shift) - length) * (1 << 32) // length + 1 for length, shift in pairs]
    return (*factors, *shifts)
