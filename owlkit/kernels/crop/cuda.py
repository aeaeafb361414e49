"""Cropping by our CUDA kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import memory_order
from owlkit.kernels.cuda import check_count, program

if TYPE_CHECKING:
    from owlkit.kernels.crop import Crop

MOST_AXES = 4  # as in crop.cu


class _Axis(NamedTuple):
    x: int
    y: int
    offset: int

    @property
    def is_whole(self) -> bool:
        return self.x == self.y

    def before(self, inner: _Axis) -> _Axis:
        """This axis and the next, uncropped one as one."""
        return _Axis(self.x * inner.x, self.y * inner.x, self.offset * inner.x)


class CropKernel:
    def __init__(self, device: GpuDevice, spec: Crop) -> None:
        check_count(spec.x)
        axes: list[_Axis] = []
        for a in memory_order(spec.x):
            axis = _Axis(spec.x.shape[a], spec.y.shape[a], spec.offsets[a])
            if axes and axis.is_whole:
                axes[-1] = axes[-1].before(axis)
            else:
                axes.append(axis)
        if len(axes) > MOST_AXES:
            raise Unsupported(f"more than {MOST_AXES} axes of {spec.x.shape} are cropped")
        axes = [_Axis(1, 1, 0)] * (MOST_AXES - len(axes)) + axes
        xs, ys, offsets = zip(*axes, strict=True)
        compiled = program(device, "crop/crop.cu", spec.x.dtype)
        self._cut_out, self._put_back = compiled.function("cut_out"), compiled.function("put_back")
        self._counts = spec.x.count, spec.y.count
        self._forward = (*xs[1:], *ys[1:], *offsets)
        self._backward = (*xs[1:], *ys, *offsets)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._cut_out.each(self._counts[1], x, y, *self._forward)

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self._put_back.each(self._counts[0], dy, dx, *self._backward)
