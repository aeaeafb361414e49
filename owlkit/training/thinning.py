"""A curve of any length in few rows: rows that lie side by side become one, and no extreme is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

EXTREMES = {"lowest_loss": np.minimum, "highest_loss": np.maximum}
SUMS = frozenset({"updates", "seconds", "data_seconds", "images"})
MEANS = frozenset({"loss"})


@dataclass(frozen=True)
class Thinning:
    """Which rows of a History become one. starts : (m,), the first row of each. updates : (n,), before."""

    starts: np.ndarray
    updates: np.ndarray

    @classmethod
    def of(cls, updates: np.ndarray, width: int) -> Thinning:
        """Rows of `width` updates, a power of two; the last may have fewer.

        updates : (n,), for how many each row stands. Rows of several must come from here, so that they fit.
        """
        return cls(np.flatnonzero(np.diff((np.cumsum(updates) - 1) // width, prepend=-1)), updates)

    def apply(self, name: str, column: np.ndarray) -> np.ndarray:
        """A column (n,) in new memory, (m,).

        updates, seconds, data_seconds and images are summed, loss is the mean over updates, lowest_loss and
        highest_loss are what they say; of all else the last value stays. One NaN among the losses makes all
        three NaN.
        """
        if len(self.starts) == len(column):
            return column.copy()
        if name in EXTREMES:
            return np.asarray(EXTREMES[name].reduceat(column, self.starts))
        if name in SUMS:
            return np.asarray(np.add.reduceat(column, self.starts))
        if name in MEANS:
            total = np.add.reduceat(column * self.updates, self.starts)
            return np.asarray(total / np.add.reduceat(self.updates, self.starts))
        return column[np.append(self.starts[1:], len(column)) - 1]


def width_for(updates: np.ndarray, most: int) -> int:
    """Least power of two, so many updates in a row that they make at most `most` rows."""
    total, width = int(updates.sum()), 1
    while total > width * most:
        width *= 2
    return width


def thinned(columns: Mapping[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """The columns of a History in at most `most` rows, by `Thinning`; `updates` is among them."""
    updates = columns["updates"]
    thinning = Thinning.of(updates, width_for(updates, most))
    return {name: thinning.apply(name, column) for name, column in columns.items()}
