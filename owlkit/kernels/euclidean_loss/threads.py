"""Sum of squared differences, shared by threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.euclidean_loss import EuclideanLoss

_BLOCK = 1 << 13  # values whose squares are summed in one product, in the precision of the tensor


class EuclideanLossKernel:
    def __init__(self, device: Device, spec: EuclideanLoss) -> None:
        self._count, self._batch = spec.x.count, max(spec.batch, 1)
        self._sums = np.zeros(-(-self._count // _BLOCK))

    def forward(self, a: Tensor, b: Tensor, difference: Tensor, loss: Tensor) -> None:
        first, second, out, sums = a.flat, b.flat, difference.flat, self._sums

        def subtract(start: int, stop: int) -> None:
            part = slice(start * _BLOCK, min(stop * _BLOCK, self._count))
            values = np.subtract(first[part], second[part], out=out[part])
            full = values.size // _BLOCK
            blocks, rest = values[: full * _BLOCK].reshape(full, _BLOCK), values[full * _BLOCK :]
            sums[start : start + full] = np.vecdot(blocks, blocks)
            if rest.size:
                sums[stop - 1] = np.dot(rest, rest)

        share(sums.size, out.size, subtract)
        loss.array[...] = float(sums.sum()) / (2 * self._batch)

    def backward(self, difference: Tensor, weight: Tensor, sign: int, da: Tensor) -> None:
        scale = sign * float(weight.peek()) / self._batch
        source, target = difference.flat, da.flat

        def multiply(start: int, stop: int) -> None:
            np.multiply(source[start:stop], scale, out=target[start:stop])

        share(source.size, source.size, multiply)
