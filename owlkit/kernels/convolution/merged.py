"""Convolution whose channel axis is not 1: the axes before it are merged into one, through plain copies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from owlkit.core.tensor import Descriptor, Tensor

if TYPE_CHECKING:
    from owlkit.kernels.convolution import Convolution


def merge(descriptor: Descriptor, axis: int) -> Descriptor:
    """(batch, C, *spatial) with all axes before `axis` in the batch; channels-last where that is 4-d."""
    shape = (math.prod(descriptor.shape[:axis]), *descriptor.shape[axis:])
    return Descriptor(shape, descriptor.dtype, channels_last=len(shape) == 4)


class MergedKernel:
    """Calls another convolution kernel on merged copies."""

    def __init__(self, inner: Any, spec: Convolution, axis: int) -> None:
        self._inner = inner
        self.implementation, self.refused = inner.implementation, inner.refused
        self._x, self._dx = Tensor(merge(spec.x, axis)), Tensor(merge(spec.x, axis))
        self._y, self._dy = Tensor(merge(spec.y, axis)), Tensor(merge(spec.y, axis))

    @staticmethod
    def _copy(source: Tensor, target: Tensor) -> None:
        target.array[...] = source.array.reshape(target.shape)

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        self._copy(x, self._x)
        self._inner.forward(self._x, w, b, self._y)
        self._copy(self._y, y)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        self._copy(dy, self._dy)
        self._inner.backward_data(self._dy, w, self._dx)
        self._copy(self._dx, dx)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        self._copy(x, self._x)
        self._copy(dy, self._dy)
        self._inner.backward_params(self._x, self._dy, dw, db, accumulate)
