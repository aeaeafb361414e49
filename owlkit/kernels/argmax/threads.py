"""The highest values in NumPy, without sorting where few are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import copy
from owlkit.kernels.argmax.reference import ArgMaxKernel as Sorting
from owlkit.kernels.argmax.reference import sorted_best

if TYPE_CHECKING:
    from owlkit.kernels.argmax import ArgMax

_REPEATED = 16  # up to so many, taking the highest again and again is faster than sorting rows
_FEW = 256  # values along an axis whose numbers fit a byte


class ArgMaxKernel(Sorting):
    """Where one of a few planes is asked for, planes are compared as a whole."""

    def __init__(self, device: Device, spec: ArgMax) -> None:
        super().__init__(device, spec)
        self._planes: Tensor | None = None
        few = spec.axis is not None and spec.candidates < _FEW
        if few and spec.top_k == 1 and not spec.values:
            self._planes = Tensor(Descriptor(spec.x.shape, spec.x.dtype))
            self._copy = copy.make(device, copy.Copy(spec.x, self._planes.descriptor))

    def best(self, rows: np.ndarray, count: int) -> np.ndarray:
        length = rows.shape[-1]
        reverse = np.array(rows[..., ::-1], order="C").reshape(-1, length)  # argmax gives the first of equals
        found = np.empty((len(reverse), count), np.int64)
        values = np.full(found.shape, np.nan, rows.dtype)
        every = np.arange(len(reverse))
        for rank in range(count if count <= _REPEATED else 0):
            found[:, rank] = reverse.argmax(axis=-1)
            values[:, rank] = reverse[every, found[:, rank]]
            reverse[every, found[:, rank]] = -np.inf
        if not np.isfinite(values).all():  # infinities could be found twice, and NaN counts as the highest
            return sorted_best(rows, count)
        return length - 1 - found.reshape(*rows.shape[:-1], count)

    def forward(self, x: Tensor, y: Tensor) -> None:
        if self._planes is not None and self.spec.axis is not None:
            self._copy.forward(x, self._planes)
            few = _best_of_few(self._planes.array, self.spec.axis)
            if few is not None:
                y.array[...] = few
                return
        super().forward(x, y)


def _best_of_few(x: np.ndarray, axis: int) -> np.ndarray | None:
    """The number of the highest along `axis` of up to 255 planes; None where it is NaN somewhere."""
    best = x.max(axis=axis)
    if np.isnan(best).any():
        return None
    found = np.zeros(best.shape, np.uint8)
    for index, plane in enumerate(np.moveaxis(x, axis, 0)):
        np.maximum(found, (plane == best).view(np.uint8) * np.uint8(index), out=found)
    return np.expand_dims(found, axis)
