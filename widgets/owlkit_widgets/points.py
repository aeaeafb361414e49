"""The curve of a run as columns of bounded size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.training.thinning import Thinning, width_for

CAPACITY = 8192
"""Rows kept for a reload: ten per pixel of a wide chart, 160 kB."""
COLUMNS = ("mean", "lo", "hi", "lr")
IN_HISTORY = ("loss", "lowest_loss", "highest_loss", "lr")
"""The same, as the columns of a run's history are called."""


class Points:
    """Loss and learning rate of every iteration, or of buckets of neighbouring ones once the rows are full.

    A row is (iter, mean, lo, hi, lr): last iteration, mean, least and greatest loss, last learning rate.
    A bucket that holds a loss that is not finite is NaN as a whole: a gap is kept, never bridged.

    iter : (n,) uint32, exact up to 4.3e9 where float32 ends at 16.7e6. The others : (n,) float32.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 2 or capacity % 2:
            raise ValueError(f"capacity: found {capacity}, expected an even number from 2 on")
        self.capacity = capacity
        self.n = 0
        self.total = 0
        self.width = 1
        self._iter = np.zeros(capacity, np.uint32)
        self._values = np.zeros((len(COLUMNS), capacity), np.float32)
        self._open: list[tuple[int, float, float]] = []

    @property
    def last(self) -> int:
        """Last iteration taken in, -1 before the first."""
        if self._open:
            return self._open[-1][0]
        return int(self._iter[self.n - 1]) if self.n else -1

    def add(self, iteration: int, loss: float, lr: float) -> None:
        """Take in one iteration; `lr` may be NaN where it is unknown."""
        self._open.append((iteration, loss, lr))
        self.total += 1
        if len(self._open) < self.width:
            return
        if self.n == self.capacity:
            self._halve()
            if len(self._open) < self.width:
                return
        self._put(self.n, self._open)
        self.n += 1
        self._open.clear()

    def extend(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take in a whole history at once, as far as it is new.

        columns : iter, loss, lr (n,), and where a row may stand for several updates updates, lowest_loss and
            highest_loss: those of a run's history.
        """
        new = columns["iter"] > self.last
        if not new.any():
            return
        ones = np.ones(len(new), np.int64)
        fresh = {"iter": columns["iter"][new], "updates": columns.get("updates", ones)[new]}
        fresh |= {name: columns.get(name, columns["loss"])[new] for name in IN_HISTORY}
        self.total += int(fresh["updates"].sum())
        self._fill({name: np.concatenate([*before, fresh[name]]) for name, before in self._held().items()})

    def _held(self) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
        """The rows by the names of a history, and those of the bucket that is not full."""
        iters, losses, rates = np.array(self._open, np.float64).reshape(-1, 3).T
        full = np.full(self.n, self.width)
        held = {"iter": (self._iter[: self.n], iters.astype(np.int64))}
        held["updates"] = (full, np.ones(len(iters), np.int64))
        opened = (losses, losses, losses, rates)
        return held | dict(zip(IN_HISTORY, zip(self._values[:, : self.n], opened, strict=True), strict=True))

    def _fill(self, rows: dict[str, NDArray[Any]]) -> None:
        updates = rows["updates"]
        self.width = width_for(updates, self.capacity)
        # Single iterations at the end that make no full bucket wait for more, as `add` has it.
        rest = int(updates.sum()) % self.width
        end = len(updates) - (rest if (updates[len(updates) - rest :] == 1).all() else 0)
        waiting = (rows[name][end:].tolist() for name in ("iter", "loss", "lr"))
        self._open = list(zip(*waiting, strict=True))
        thinning = Thinning.of(updates[:end], self.width)
        self.n = len(thinning.starts)
        self._iter[: self.n] = thinning.apply("iter", rows["iter"][:end])
        for values, name in zip(self._values, IN_HISTORY, strict=True):
            values[: self.n] = thinning.apply(name, rows[name][:end])

    def block(self) -> tuple[int, bytes]:
        """Number of rows, and the columns one after the other as they are sent."""
        n = self.n
        if self._open:  # the bucket that is not full yet goes along, so that nothing is missing
            iteration, values = _row(self._open)
            iters = np.append(self._iter[:n], np.uint32(iteration))
            table = np.column_stack([self._values[:, :n], values])
        else:
            iters, table = self._iter[:n], self._values[:, :n]
        return len(iters), iters.tobytes() + np.ascontiguousarray(table).tobytes()

    def cut(self, iteration: int) -> dict[str, NDArray[Any]]:
        """Take out what comes after an iteration; returned as `columns` gives it.

        A bucket that reaches beyond goes as a whole. `total` still counts what was taken in.
        """
        columns = self.columns()
        after = columns["iter"] > iteration
        self.n = int(np.searchsorted(self._iter[: self.n], iteration, "right"))
        self._open = [row for row in self._open if row[0] <= iteration]
        return {name: column[after] for name, column in columns.items()}

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns by name: iter (n,) uint32, mean, lo, hi, lr (n,) float32."""
        n, data = self.block()
        values = np.frombuffer(data, np.float32, offset=4 * n).reshape(len(COLUMNS), n)
        return {"iter": np.frombuffer(data, np.uint32, count=n), **dict(zip(COLUMNS, values, strict=True))}

    def _put(self, at: int, rows: list[tuple[int, float, float]]) -> None:
        self._iter[at], self._values[:, at] = _row(rows)

    def _halve(self) -> None:
        half = self.capacity // 2
        self._iter[:half] = self._iter[1::2]
        self._values[:, :half] = merged(self._values)
        self.n = half
        self.width *= 2


def merged(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows mean, lo, hi, lr (4, n) with neighbours made one: (4, n / 2)."""
    mean, lo, hi, lr = table
    ends = np.minimum(lo[::2], lo[1::2]), np.maximum(hi[::2], hi[1::2])
    return np.stack([(mean[::2] + mean[1::2]) / 2, *ends, lr[1::2]])


def _row(rows: list[tuple[int, float, float]]) -> tuple[int, NDArray[np.float32]]:
    if len(rows) == 1:
        iteration, loss, lr = rows[0]
        return iteration, np.array([loss, loss, loss, lr], np.float32)
    losses = np.array([loss for _, loss, _ in rows])
    values = [losses.mean(), losses.min(), losses.max(), rows[-1][2]]
    return rows[-1][0], np.array(values, np.float32)


def pack(rows: list[tuple[int, float, float]], most: int) -> tuple[int, tuple[str, ...], bytes]:
    """A block of new iterations of at most `most` rows: its length, the columns it has, its bytes."""
    if len(rows) <= most:
        table = np.array([(loss, lr) for _, loss, lr in rows], np.float32).T
        iters = np.array([iteration for iteration, _, _ in rows], np.uint32)
        return len(rows), ("mean", "lr"), iters.tobytes() + np.ascontiguousarray(table).tobytes()
    size = -(-len(rows) // most)
    packed = [_row(rows[i : i + size]) for i in range(0, len(rows), size)]
    iters = np.array([iteration for iteration, _ in packed], np.uint32)
    table = np.stack([values for _, values in packed], axis=1)
    return len(packed), COLUMNS, iters.tobytes() + np.ascontiguousarray(table).tobytes()


def smooth(
    iters: NDArray[Any],
    mean: NDArray[Any],
    keep: float = 0.9,
    max_iter: int = 0,
    start: tuple[int, float] | None = None,
) -> NDArray[np.float64]:
    """Exponentially smoothed loss (n,) float64; the same rule as in js/src/smoothing.js.

    `keep` is the weight kept per thousandth of the run, at least per iteration. NaN stays NaN.
    start : iteration and smoothed loss that the curve goes on from.
    """
    unit = max(1.0, max_iter / 1000)
    out = np.full(len(mean), np.nan)
    total = weight = 0.0
    before = int(iters[0]) - 1 if len(iters) else 0
    if start is not None:
        before, total, weight = start[0], start[1], 1.0
    for i, (iteration, value) in enumerate(zip(iters.tolist(), mean.tolist(), strict=True)):
        if not np.isfinite(value):
            continue
        decay = keep ** ((iteration - before) / unit)
        total = total * decay + value * (1 - decay)
        weight = weight * decay + (1 - decay)
        out[i] = total / weight if weight else value
        before = iteration
    return out
