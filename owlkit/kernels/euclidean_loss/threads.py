"""Sum of squared differences, shared by threads; a block is squared while it is in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.sums import squared_norm
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.euclidean_loss import EuclideanLoss

_BLOCK = 1 << 15  # values: three arrays of them fit into a second-level cache


class EuclideanLossKernel:
    def __init__(self, device: Device, spec: EuclideanLoss) -> None:
        count = spec.x.count
        self._parts = [slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
        self._sums = np.zeros(len(self._parts))

    def forward(self, a: Tensor, b: Tensor, difference: Tensor) -> float:
        first, second, out, sums = a.flat, b.flat, difference.flat, self._sums

        def subtract(start: int, stop: int) -> None:
            for number in range(start, stop):
                part = self._parts[number]
                np.subtract(first[part], second[part], out=out[part])
                sums[number] = squared_norm(out[part])

        share(len(self._parts), 2 * out.size, subtract)
        return float(sums.sum())

    def backward(self, difference: Tensor, scale: float, da: Tensor) -> None:
        source, target = difference.flat, da.flat

        def multiply(start: int, stop: int) -> None:
            np.multiply(source[start:stop], scale, out=target[start:stop])

        share(source.size, source.size, multiply)
