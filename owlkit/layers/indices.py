"""Row numbers that come as data: read and checked."""

from __future__ import annotations

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.errors import DataError
from owlkit.layers.base import Layer


def read_indices(layer: Layer, indices: Blob, rows: int, advice: str) -> np.ndarray:
    """The values of `indices` in Caffe's order, (count,) int64.

    Raises DataError for the first that is no whole number in [0, rows); `advice` ends its message.
    """
    values = indices.data.reshape(-1)
    if not values.size:
        return np.empty(0, np.int64)
    # Range first: it also catches NaN, which must not be cast.
    if values.min() >= 0 and values.max() < rows:
        found = values.astype(np.int64)
        if np.array_equal(found, values):
            return found
    wrong = ~((values >= 0) & (values < rows) & (values == np.floor(values)))
    first = int(np.flatnonzero(wrong)[0])
    place = tuple(int(i) for i in np.unravel_index(first, indices.shape or (1,)))
    error = DataError(
        f"{layer.name} ({layer.type}): value {float(values[first]):g} at index {place} of blob "
        f"{indices.name!r} is no row (whole numbers 0..{rows - 1}); {advice}"
    )
    error.place = (indices.name, place[0])
    raise error
