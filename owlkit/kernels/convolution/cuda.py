"""Convolution without cuDNN: columns by our kernels, then the driver's product of matrices.

As many images at a time as keep the columns within `MOST_COLUMNS`. A window of one pixel needs no columns. In
half precision, sums over several such chunks are rounded after each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Matrix
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.cuda.biases import Biases
from owlkit.kernels.cuda.columns import ImageColumns, PlaneColumns, Window
from owlkit.kernels.cuda.program import LARGEST_INDEX, check_count

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution

MOST_COLUMNS = 256 << 20  # bytes


class _Products:
    """What both kernels below share: pointers, products of matrices, and chunks of images."""

    def __init__(self, device: GpuDevice, spec: Convolution) -> None:
        check_count(spec.x, spec.y)
        self._device, self._spec, self._gpu = device, spec, device.gpu
        self._itemsize = np.dtype(spec.x.dtype).itemsize
        self._images, self._channels = spec.x.shape[:2]
        self._outputs, self._group = spec.weights[0], spec.group
        self._mine = self._outputs // spec.group  # outputs of a group
        self._pixels = math.prod(spec.y.shape[2:])
        self._window = Window(spec.kernel, spec.stride, spec.pad, spec.dilation, spec.y.shape[2:])
        self._biases = Biases(device, spec.y) if spec.bias or spec.relu else None
        self._depth = math.prod(spec.weights[1:])
        self.detail = "columns and gemm"

    def _divide(self, count_per_image: int) -> list[tuple[int, int]]:
        """(first, how many) images whose columns are made at a time; their memory is reserved."""
        if count_per_image > LARGEST_INDEX:
            raise Unsupported(f"{count_per_image} columns of one image are more than indices reach")
        nbytes = count_per_image * self._itemsize
        most = max(1, min(self._images, MOST_COLUMNS // nbytes, LARGEST_INDEX // count_per_image))
        self._device.reserve_scratch(most * nbytes)
        return [(first, min(most, self._images - first)) for first in range(0, self._images, most)]

    def _read(self, tensor: Tensor) -> int:
        return self._gpu.pointer(tensor, reads=True, writes=False)

    def _multiply(
        self, shape: tuple[int, int, int], a: Matrix, b: Matrix, c: Matrix, add: bool = False, stack: int = 1
    ) -> None:
        """c = a b, or c += a b."""
        dtype, tf32 = self._spec.x.dtype, self._device.tf32
        self._gpu.driver.gemm(shape, a, b, c, dtype=dtype, beta=float(add), stack=stack, tf32=tf32)


class ImagesKernel(_Products):
    """Of channels-last images. A row of the columns is a pixel of y; groups are a stack of matrices."""

    def __init__(self, device: GpuDevice, spec: Convolution) -> None:
        super().__init__(device, spec)
        ones, zeros = (1, 1), (0, 0)
        self._columns: ImageColumns | None = None
        if (spec.kernel, spec.stride, spec.pad) == (ones, ones, zeros):
            self._chunks = [(0, self._images)]
            self.detail = "gemm"
        else:
            plain = not spec.weights_channels_last
            self._columns = ImageColumns(device, spec.x, self._window, spec.group, channels_first=plain)
            self._chunks = self._divide(self._columns.count_per_image)

    def _matrix_of_columns(self, x: int, images: int) -> Matrix:
        """(pixels, depth) for each group: the columns in scratch memory, or x itself."""
        if self._columns is None:
            return Matrix(x, self._channels, step=self._depth)
        return Matrix(self._device.workspace(), self._depth, step=images * self._pixels * self._depth)

    def _gathered(self, x: Tensor, first: int, images: int) -> Matrix:
        if self._columns is not None:
            self._columns.gather(x, self._device.workspace(), first, images)
        return self._matrix_of_columns(self._read(x), images)

    def _pixels_of(self, y: int, first: int, turned: bool = False) -> Matrix:
        """(pixels, outputs) of each group, from image `first` on."""
        start = y + first * self._pixels * self._outputs * self._itemsize
        return Matrix(start, self._outputs, turned, step=self._mine)

    def _filters(self, w: int, turned: bool = False) -> Matrix:
        """(outputs, depth) of each group."""
        return Matrix(w, self._depth, turned, step=self._mine * self._depth)

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        filters = self._filters(self._read(w), turned=True)
        target = self._gpu.pointer(y, reads=False, writes=True)
        for first, images in self._chunks:
            columns = self._gathered(x, first, images)
            shape = images * self._pixels, self._mine, self._depth
            self._multiply(shape, columns, filters, self._pixels_of(target, first), stack=self._group)
        if self._biases is not None:
            self._biases.add(y, b, self._spec.relu)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        filters, source = self._filters(self._read(w)), self._read(dy)
        target = self._gpu.pointer(dx, reads=False, writes=True)
        for first, images in self._chunks:
            shape = images * self._pixels, self._depth, self._mine
            columns = self._matrix_of_columns(target, images)
            self._multiply(shape, self._pixels_of(source, first), filters, columns, stack=self._group)
            if self._columns is not None:
                self._columns.scatter(columns.pointer, dx, first, images)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        if dw is not None:
            source = self._read(dy)
            target = self._filters(self._gpu.pointer(dw, reads=accumulate, writes=True))
            for first, images in self._chunks:
                columns = self._gathered(x, first, images)
                shape = self._mine, self._depth, images * self._pixels
                gradient = self._pixels_of(source, first, turned=True)
                self._multiply(shape, gradient, columns, target, accumulate or first > 0, self._group)
        if db is not None and self._biases is not None:
            self._biases.sum(dy, db, accumulate)


class PlanesKernel(_Products):
    """Of (N, C, *spatial) in C order. A row of an image's columns is a channel at a place of the window."""

    def __init__(self, device: GpuDevice, spec: Convolution) -> None:
        super().__init__(device, spec)
        if spec.weights_channels_last:
            raise Unsupported("channels-last weights for inputs in C order")
        self._columns = PlaneColumns(device, spec.x, self._window)
        self._chunks = self._divide(self._columns.count_per_image)

    def _of_group(self, pointer: int, rows: int, group: int, image: int = 0, turned: bool = False) -> Matrix:
        """(rows, pixels) of a group, for each image of a stack that starts with `image`."""
        step = self._group * rows * self._pixels
        start = image * step + group * rows * self._pixels
        return Matrix(pointer + start * self._itemsize, self._pixels, turned, step)

    def _filters(self, w: int, group: int, turned: bool = False) -> Matrix:
        """(outputs, depth) of a group, the same for each image."""
        return Matrix(w + group * self._mine * self._depth * self._itemsize, self._depth, turned)

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        filters, target = self._read(w), self._gpu.pointer(y, reads=False, writes=True)
        columns = self._device.workspace()
        for first, images in self._chunks:
            self._columns.gather(x, columns, first, images)
            for g in range(self._group):
                a, seen = self._filters(filters, g), self._of_group(columns, self._depth, g)
                result = self._of_group(target, self._mine, g, first)
                self._multiply((self._mine, self._pixels, self._depth), a, seen, result, stack=images)
        if self._biases is not None:
            self._biases.add(y, b, self._spec.relu)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        filters, source = self._read(w), self._read(dy)
        columns = self._device.workspace()
        for first, images in self._chunks:
            for g in range(self._group):
                a = self._filters(filters, g, turned=True)
                gradient = self._of_group(source, self._mine, g, first)
                result = self._of_group(columns, self._depth, g)
                self._multiply((self._depth, self._pixels, self._mine), a, gradient, result, stack=images)
            self._columns.scatter(columns, dx, first, images)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        if dw is not None:
            source, target = self._read(dy), self._gpu.pointer(dw, reads=accumulate, writes=True)
            columns = self._device.workspace()
            for first, images in self._chunks:
                self._columns.gather(x, columns, first, images)
                for n in range(images):
                    self._add_image(source, columns, target, first + n, n, accumulate or first + n > 0)
        if db is not None and self._biases is not None:
            self._biases.sum(dy, db, accumulate)

    def _add_image(self, dy: int, columns: int, dw: int, image: int, in_chunk: int, add: bool) -> None:
        """One image's part of dw; a product for each group and image, in this order in every run."""
        for g in range(self._group):
            gradient = self._of_group(dy, self._mine, g, image)
            seen = self._of_group(columns, self._depth, g, in_chunk, turned=True)
            shape = self._mine, self._depth, self._pixels
            self._multiply(shape, gradient, seen, self._filters(dw, g), add)


def make_kernel(device: GpuDevice, spec: Convolution) -> Any:
    """Whichever of the two serves the layout; raises Unsupported where none does."""
    return (ImagesKernel if spec.x.channels_last else PlanesKernel)(device, spec)
