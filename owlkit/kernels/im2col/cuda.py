"""Im2col by our CUDA kernels: of images channels-last, of all else in C order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda.columns import ImageColumns, PlaneColumns, Window
from owlkit.kernels.cuda.plain import Plain
from owlkit.kernels.cuda.program import check_count

if TYPE_CHECKING:
    from owlkit.kernels.im2col import Im2col


class _ImagesKernel:
    """Channels-last, a pixel of y is a row of the columns."""

    def __init__(self, device: GpuDevice, spec: Im2col, window: Window) -> None:
        self._images = spec.x.shape[0]
        self._columns = ImageColumns(device, spec.x, window, channels_first=True)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._columns.gather(x, y, 0, self._images)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self._columns.scatter(dy, dx, 0, self._images)


class _PlanesKernel:
    """In C order, a channel of y is a row of the columns; the axes before the channels count as one."""

    def __init__(self, device: GpuDevice, spec: Im2col, window: Window) -> None:
        self._images = math.prod(spec.x.shape[: spec.axis])
        merged = Descriptor((self._images, *spec.x.shape[spec.axis :]), spec.x.dtype)
        self._columns = PlaneColumns(device, merged, window)
        self._x, self._y = Plain(device, spec.x), Plain(device, spec.y)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._columns.gather(self._x.read(x), self._y.target(y), 0, self._images)
        self._y.finish(y)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self._columns.scatter(self._y.read(dy), self._x.target(dx), 0, self._images)
        self._x.finish(dx)


class Im2colKernel:
    """Either of the two."""

    def __init__(self, device: GpuDevice, spec: Im2col) -> None:
        check_count(spec.x, spec.y)
        window = Window(spec.kernel, spec.stride, spec.pad, spec.dilation, spec.out)
        images = spec.x.channels_last and spec.axis == 1
        kernel: _ImagesKernel | _PlanesKernel = (_ImagesKernel if images else _PlanesKernel)(
            device, spec, window
        )
        self.forward, self.backward = kernel.forward, kernel.backward
