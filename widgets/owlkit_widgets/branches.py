"""Parts of a run that were given up by going back to an earlier iteration: kept, and drawn faded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .points import COLUMNS, merged, smooth

MOST_ROWS = 1024
"""Rows kept of one: more than one for each of its pixels, 20 kB."""
MOST = 32
"""Parts kept for the chart; `run.history.abandoned` has them all."""


@dataclass(frozen=True)
class Branch:
    """What came after `iter`, where training went on from again, up to `reached`.

    columns : iter (n,) uint32, mean, lo, hi, lr (n,) float32. tests, flags : rows as the recorder has them.
    """

    iter: int
    reached: int
    columns: dict[str, NDArray[Any]]
    tests: list[dict[str, Any]]
    flags: list[dict[str, Any]]

    @classmethod
    def of(
        cls,
        iteration: int,
        reached: int,
        columns: dict[str, NDArray[Any]],
        tests: list[dict[str, Any]],
        flags: list[dict[str, Any]],
    ) -> Branch:
        """With neighbouring rows of the curve merged until they are MOST_ROWS at most."""
        iters, table = columns["iter"], np.stack([columns[name] for name in COLUMNS])
        while len(iters) > MOST_ROWS:
            if len(iters) % 2:  # the last one stays as it is
                table, iters = np.column_stack([table, table[:, -1]]), np.append(iters, iters[-1])
            iters, table = iters[1::2], merged(table)
        return cls(iteration, reached, {"iter": iters} | dict(zip(COLUMNS, table, strict=True)), tests, flags)

    def row(self) -> dict[str, Any]:
        """As it is sent to a page: {iter, reached, n, columns, data, tests, flags}."""
        data = b"".join(np.ascontiguousarray(self.columns[name]).tobytes() for name in ("iter", *COLUMNS))
        return {
            "iter": self.iter,
            "reached": self.reached,
            "n": len(self.columns["iter"]),
            "columns": list(COLUMNS),
            "data": data,
            "tests": self.tests,
            "flags": self.flags,
        }

    def tested(self, what: str, net: int = 0) -> list[tuple[int, float]]:
        """(iteration, value) of the "loss" or "accuracy" of a test net, where it is known."""
        return [(t["iter"], t[what]) for t in self.tests if t["net"] == net and t.get(what) is not None]

    @property
    def diverged(self) -> bool:
        """Whether it ended in a value that is not finite."""
        return any(flag["kind"] == "nan" for flag in self.flags)


def is_after(flag: dict[str, Any], iteration: int) -> bool:
    """Whether a flag belongs to what came after an iteration: NaN is found before the next update is done."""
    return bool(flag["iter"] > iteration or (flag["kind"] == "nan" and flag["iter"] == iteration))


def smoothed_branches(
    branches: list[Branch],
    points: dict[str, NDArray[Any]],
    smoothed: NDArray[np.float64],
    keep: float,
    max_iter: int,
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """(iterations, smoothed loss) of each branch, beginning where it leaves the curve it was a part of.

    points, smoothed : of the present curve. The rule of js/src/branches.js: what came before a branch is in
    the next later one that begins further to the left, else in the present curve.
    """
    curves: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = [None] * len(branches)  # type: ignore[list-item]
    for i in reversed(range(len(branches))):
        own = branches[i]
        later = (k for k in range(i + 1, len(branches)) if branches[k].iter < own.iter)
        k = next(later, None)
        x, y = curves[k] if k is not None else (points["iter"].astype(float), smoothed)
        start = _value_at(x, y, own.iter)
        values = smooth(own.columns["iter"], own.columns["mean"], keep, max_iter, start)
        iters = own.columns["iter"].astype(float)
        if start is not None:
            iters, values = np.append(float(start[0]), iters), np.append(start[1], values)
        curves[i] = (iters, values)
    return curves


def _value_at(
    iters: NDArray[np.float64], values: NDArray[np.float64], iteration: int
) -> tuple[int, float] | None:
    """The last point of a curve up to an iteration, as (iteration, value)."""
    i = int(np.searchsorted(iters, iteration, "right")) - 1
    return (int(iters[i]), float(values[i])) if i >= 0 and np.isfinite(values[i]) else None
