"""Pooling in NumPy: one pass over the input for each position inside the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.pooling import Pooling

FLT_MAX = float(np.finfo(np.float32).max)


class PoolingKernel:
    def __init__(self, device: Device, spec: Pooling) -> None:
        self.spec = spec
        # Of each output: index into the plane of x, -1 for none.
        self._winner: np.ndarray = np.empty(0, np.int64)
        self._divisor = np.outer(self._window_lengths(0), self._window_lengths(1))

    def _window_lengths(self, axis: int) -> np.ndarray:
        """(outputs,) float64: how much of each window lies in the padded input; 1 where nothing does."""
        spec = self.spec
        start = np.arange(spec.y.shape[2 + axis]) * spec.stride[axis]
        end = np.minimum(start + spec.kernel[axis], spec.size(axis) + 2 * spec.pad[axis])
        return np.maximum(end - start, 1).astype(np.float64)

    def _padded(self, fill: float, dtype: str) -> np.ndarray:
        """(N, C, H', W') holding `fill`, large enough for every window."""
        spec = self.spec
        extent = [spec.size(a) + 2 * spec.pad[a] + max(spec.overhang(a), 0) for a in (0, 1)]
        return np.full((*spec.x.shape[:2], *extent), fill, dtype)

    def _interior(self) -> tuple[slice, ...]:
        """Where x lies in the padded array."""
        spec = self.spec
        sides = [slice(spec.pad[a], spec.pad[a] + spec.size(a)) for a in (0, 1)]
        return (slice(None), slice(None), *sides)

    def _positions(self) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
        """For each position (i, j) in the window: where in the padded array all windows see it."""
        spec = self.spec
        for i in range(spec.kernel[0]):
            for j in range(spec.kernel[1]):
                sides = [
                    slice(o, o + (spec.y.shape[2 + a] - 1) * spec.stride[a] + 1, spec.stride[a])
                    for a, o in enumerate((i, j))
                ]
                yield i, j, (slice(None), slice(None), *sides)

    def forward(self, x: Tensor, y: Tensor, indices: Tensor | None = None) -> None:
        padded = self._padded(-FLT_MAX if self.spec.method == "max" else 0.0, x.dtype)
        padded[self._interior()] = x.array
        if self.spec.method == "ave":
            total = sum(padded[at] for _, _, at in self._positions())
            y.array[...] = total / self._divisor
            return
        self._maximum(padded, y)
        if indices is not None:
            indices.array[...] = self._winner

    def _maximum(self, padded: np.ndarray, y: Tensor) -> None:
        spec = self.spec
        rows = np.arange(spec.y.shape[2])[:, None] * spec.stride[0] - spec.pad[0]
        columns = np.arange(spec.y.shape[3]) * spec.stride[1] - spec.pad[1]
        best = np.full(spec.y.shape, -FLT_MAX, y.dtype)
        winner = np.full(spec.y.shape, -1, np.int64)
        for i, j, at in self._positions():
            better = padded[at] > best  # strictly: the first of equals wins
            best = np.where(better, padded[at], best)
            winner = np.where(better, (rows + i) * spec.size(1) + columns + j, winner)
        y.array[...] = best
        self._winner = winner

    def backward(self, dy: Tensor, dx: Tensor) -> None:
        if self.spec.method == "max":
            self._scatter(dy, dx)
            return
        padded = self._padded(0.0, dx.dtype)
        share = dy.array / self._divisor
        for _, _, at in self._positions():
            padded[at] += share
        dx.array[...] = padded[self._interior()]

    def _scatter(self, dy: Tensor, dx: Tensor) -> None:
        n, c, h, w = self.spec.x.shape
        plane = np.arange(n * c).reshape(n, c, 1, 1) * (h * w)
        hit = self._winner >= 0
        flat = (self._winner + plane)[hit]
        dx.array[...] = np.bincount(flat, dy.array[hit], minlength=n * c * h * w).reshape(n, c, h, w)
