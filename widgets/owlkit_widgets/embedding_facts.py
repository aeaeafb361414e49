"""What is known of features and labels: classes, neighbours, and whether these agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 6
ROWS = 512  # of distances at a time
MOST_CLASSES = 65535


def classes_of(labels: Sequence[Any] | None) -> tuple[list[dict[str, Any]], NDArray[np.uint16]]:
    """[{name, count}], whole numbers in their order, other labels as they come; and each image's class.

    Nothing without labels.
    """
    if labels is None:
        return [], np.zeros(0, np.uint16)
    kinds = list(dict.fromkeys(labels))
    if all(isinstance(kind, (int, np.integer)) for kind in kinds):
        kinds.sort()
    place = {kind: index for index, kind in enumerate(kinds[:MOST_CLASSES])}
    each = np.array([place.get(label, MOST_CLASSES) for label in labels], np.uint16)
    counts = np.bincount(each, minlength=len(place))
    return [{"name": str(kind), "count": int(counts[k])} for kind, k in place.items()], each


def neighbours(table: NDArray[Any], count: int = NEIGHBOURS) -> NDArray[np.uint32]:
    """(n, count): of each row of (n, d) the nearest others by Euclidean distance, the nearest first."""
    values = np.asarray(table, np.float32)
    count = min(count, len(values) - 1)
    squares = (values * values).sum(1)
    found = np.zeros((len(values), count), np.uint32)
    for first in range(0, len(values), ROWS):
        rows = values[first : first + ROWS]
        apart = squares[None] - 2 * rows @ values.T  # each row's own square changes no order
        apart[np.arange(len(rows)), np.arange(first, first + len(rows))] = np.inf
        found[first : first + ROWS] = np.argsort(apart, axis=1, kind="stable")[:, :count]
    return found


def agreement(nearest: NDArray[np.uint32], each: NDArray[np.uint16]) -> float | None:
    """Share of images whose nearest neighbour is of their class; None without classes."""
    return float((each[nearest[:, 0]] == each).mean()) if len(each) else None
