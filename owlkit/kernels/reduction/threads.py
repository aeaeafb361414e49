"""Sums in blocks that stay in a core's cache, shared by threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.sums import dots
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.reduction import Reduction

# Values: two arrays of them about fill a second-level cache of 2 MiB. In smaller blocks threads wait for each
# other, because each call of NumPy takes the interpreter back.
_BLOCK = 1 << 18


class ReductionKernel:
    """Where a sum is longer than a block, each block is summed by itself: errors grow less, too."""

    def __init__(self, device: Device, spec: Reduction) -> None:
        self.spec = spec
        self._groups = outer, length, inner = spec.groups
        self._dtype = np.dtype(spec.x.dtype)
        self._factor = self._dtype.type(spec.factor)
        # Either whole sums in a block, or a block of one sum.
        self._rows = max(1, min(length, _BLOCK // max(inner, 1)))
        self._blocks = -(-length // self._rows) if length else 1
        self._sums = np.empty((outer, self._blocks, inner), self._dtype)
        self._ones = np.ones(self._rows if inner == 1 else 0, self._dtype)
        # How many sums one call makes; all of a thread's where nothing is kept beside x and y.
        self._whole = 1
        if self._blocks == 1:
            many = spec.operation in ("SUM", "MEAN")
            self._whole = max(1, outer if many else _BLOCK // max(length * inner, 1))

    def _sum(self, part: np.ndarray, out: np.ndarray, scratch: np.ndarray) -> None:
        """out, (n, inner), = f(part), (n, rows, inner), summed over its second axis."""
        squared = self.spec.operation == "SUMSQ"
        if self.spec.operation == "ASUM" or (squared and out.shape[1] > 1):
            room = scratch[: part.size].reshape(part.shape)
            part = (np.square if squared else np.abs)(part, out=room)
        if out.shape[1] > 1:
            np.add.reduce(part, axis=1, out=out)
        else:
            values = part[:, :, 0]
            ones = np.broadcast_to(self._ones[: values.shape[1]], values.shape)
            out[:, 0] = dots(values, values if squared else ones)

    def forward(self, x: Tensor, y: Tensor) -> None:
        values, rows, blocks = x.flat.reshape(self._groups), self._rows, self._blocks

        def whole_sums(start: int, stop: int) -> None:
            scratch = np.empty(self._scratch(), self._dtype)
            for a in range(start, stop, self._whole):
                b = min(a + self._whole, stop)
                self._sum(values[a:b], self._sums[a:b, 0], scratch)

        def one_by_one(start: int, stop: int) -> None:
            scratch = np.empty(self._scratch(), self._dtype)
            for number in range(start, stop):
                i, block = divmod(number, blocks)
                part = values[i : i + 1, block * rows : (block + 1) * rows]
                self._sum(part, self._sums[i : i + 1, block], scratch)

        if blocks == 1:
            share(self._groups[0], values.size, whole_sums)
            sums = self._sums[:, 0]
        else:
            share(self._groups[0] * blocks, values.size, one_by_one)
            sums = self._sums.sum(axis=1)
        results = self.spec.results(y)
        results[...] = (sums * self._factor).reshape(results.shape)

    def _scratch(self) -> int:
        if self.spec.operation in ("SUM", "MEAN"):
            return 0
        return self._whole * self._rows * self._groups[2]

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        outer, _length, inner = self._groups
        factor = self._factor * (2 if self.spec.operation == "SUMSQ" else 1)
        slopes = np.multiply(self.spec.results(dy), factor, dtype=self._dtype).reshape(outer, 1, inner)
        values, gradient = x.flat.reshape(self._groups), dx.flat.reshape(self._groups)
        rows, blocks = self._rows, self._blocks

        def fill(start: int, stop: int) -> None:
            for number in range(start, stop, self._whole):
                i, block = divmod(number, blocks)
                j = min(i + self._whole, stop) if blocks == 1 else i + 1
                place = (slice(i, j), slice(block * rows, (block + 1) * rows))
                self._slope(values[place], slopes[i:j], gradient[place])

        share(outer * blocks, values.size, fill)

    def _slope(self, x: np.ndarray, slope: np.ndarray, out: np.ndarray) -> None:
        if self.spec.operation == "ASUM":
            np.sign(x, out=out)
            np.multiply(out, slope, out=out)
        elif self.spec.operation == "SUMSQ":
            np.multiply(x, slope, out=out)
        else:
            out[...] = slope
