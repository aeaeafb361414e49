"""Im2col in NumPy, for any number of axes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor

if TYPE_CHECKING:
    from owlkit.kernels.im2col import Im2col


class Im2colKernel:
    def __init__(self, device: Device, spec: Im2col) -> None:
        self.spec = spec
        self._outer = (slice(None),) * (spec.axis + 1)
        shape = (*spec.x.shape[: spec.axis + 1], *spec.room)
        # Zeros around x, of which forward writes x only.
        self._padded, self._sums = (
            Tensor(Descriptor(shape, spec.x.dtype, spec.x.channels_last)).array for _ in range(2)
        )

    def _places(self, y: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[slice, ...]]]:
        """For each position in the window: its part of y, (*outer, C, *out), and the padded x behind it."""
        spec = self.spec
        split = y.reshape(*y.shape[: spec.axis], -1, *spec.kernel, *spec.out)  # a view: one axis is divided
        for position in itertools.product(*map(range, spec.kernel)):
            yield split[self._outer + position], self._outer + spec.seen_at(position)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._padded[self._outer + self.spec.inside] = x.array
        for part, where in self._places(y.array):
            part[...] = self._padded[where]

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        self._sums[...] = 0
        for part, where in self._places(dy.array):
            self._sums[where] += part
        dx.array[...] = self._sums[self._outer + self.spec.inside]
