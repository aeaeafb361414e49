"""Convolution whose channel axis is not 1: the axes before it are merged into one, through plain copies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import copy

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution


def merge(descriptor: Descriptor, axis: int) -> Descriptor:
    """(batch, C, *spatial) with all axes before `axis` in the batch; channels-last where that is 4-d."""
    shape = (math.prod(descriptor.shape[:axis]), *descriptor.shape[axis:])
    return Descriptor(shape, descriptor.dtype, channels_last=len(shape) == 4)


class MergedKernel:
    """Calls another convolution kernel on merged copies."""

    def __init__(self, device: Device, inner: Any, spec: Convolution, axis: int) -> None:
        self._inner = inner
        self.implementation, self.refused = inner.implementation, inner.refused
        self._x, self._dx = Tensor(merge(spec.x, axis)), Tensor(merge(spec.x, axis))
        self._y, self._dy = Tensor(merge(spec.y, axis)), Tensor(merge(spec.y, axis))
        self._x_in = copy.make(device, copy.Copy(spec.x, self._x.descriptor))
        self._x_out = copy.make(device, copy.Copy(self._x.descriptor, spec.x))
        self._y_in = copy.make(device, copy.Copy(spec.y, self._y.descriptor))
        self._y_out = copy.make(device, copy.Copy(self._y.descriptor, spec.y))

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        self._x_in.forward(x, self._x)
        self._inner.forward(self._x, w, b, self._y)
        self._y_out.forward(self._y, y)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        self._y_in.forward(dy, self._dy)
        self._inner.backward_data(self._dy, w, self._dx)
        self._x_out.forward(self._dx, dx)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        self._x_in.forward(x, self._x)
        self._y_in.forward(dy, self._dy)
        self._inner.backward_params(self._x, self._dy, dw, db, accumulate)
