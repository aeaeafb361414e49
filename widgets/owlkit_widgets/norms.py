"""Norms of parameters and of their updates over a training, as a table of bounded size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CAPACITY = 1024
"""Rows kept: at least one for each pixel of the strips, 330 kB for twenty layers."""

Row = tuple[int, NDArray[np.float32]]


class Norms:
    """Rows (iteration, L2 norms of `count` parameters, L2 norms of their updates).

    A full table merges neighbouring rows into their means, which hold from the first one's iteration on, so
    that it never grows; a value that is not finite stays so: it must be seen. iter : (n,) uint32. values :
    (n, 2, count) float32, weights before updates.
    """

    def __init__(self, count: int, capacity: int = CAPACITY) -> None:
        if capacity < 2 or capacity % 2:
            raise ValueError(f"capacity: found {capacity}, expected an even number from 2 on")
        self.count, self.capacity = count, capacity
        self.n = self.total = 0
        self.width = 1
        self._iter = np.zeros(capacity, np.uint32)
        self._until = np.zeros(capacity, np.uint32)  # the last iteration in each row
        self._values = np.zeros((capacity, 2, count), np.float32)
        self._open: list[Row] = []

    def add(self, iteration: int, values: NDArray[np.float32]) -> None:
        """Take in values (2, count) of one iteration."""
        self._open.append((iteration, values))
        self.total += 1
        if len(self._open) < self.width:
            return
        if self.n == self.capacity:
            self._halve()
            if len(self._open) < self.width:
                return
        self._iter[self.n], self._values[self.n] = _mean(self._open)
        self._until[self.n] = iteration
        self.n += 1
        self._open.clear()

    def cut(self, iteration: int) -> None:
        """Forget what comes after an iteration, and a row that holds some of it; `total` counts it."""
        self.n = int(np.searchsorted(self._until[: self.n], iteration, "right"))
        self._open = [row for row in self._open if row[0] <= iteration]

    def columns(self) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Iterations (n,) and values (n, 2, count), with the row that is not full yet."""
        iters, values = self._iter[: self.n], self._values[: self.n]
        if self._open:
            iteration, mean = _mean(self._open)
            iters = np.append(iters, np.uint32(iteration))
            values = np.concatenate([values, mean[None]])
        return iters, values

    def block(self) -> tuple[int, bytes]:
        """Number of rows, and their bytes: all iterations, then the values row by row."""
        iters, values = self.columns()
        return len(iters), iters.tobytes() + values.tobytes()

    def _halve(self) -> None:
        half = self.capacity // 2
        self._iter[:half], self._until[:half] = self._iter[::2], self._until[1::2]
        self._values[:half] = (self._values[::2] + self._values[1::2]) / 2
        self.n = half
        self.width *= 2


def _mean(rows: list[Row]) -> Row:
    if len(rows) == 1:
        return rows[0]
    return rows[0][0], np.mean([values for _, values in rows], axis=0, dtype=np.float32)


def pack(rows: list[Row]) -> bytes:
    """New rows as they are sent, in the layout of `Norms.block`."""
    iters = np.array([iteration for iteration, _ in rows], np.uint32)
    return iters.tobytes() + np.stack([values for _, values in rows]).astype(np.float32).tobytes()


def log_ratios(values: NDArray[Any]) -> NDArray[np.float64]:
    """log10 of update : weight, (n, count) from (n, 2, count); NaN where either is 0 or not finite."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = np.log10(values[:, 1].astype(np.float64) / values[:, 0])
    ratios[~np.isfinite(ratios)] = np.nan
    return np.asarray(ratios)
