"""Row numbers that come as data: read and checked."""

from __future__ import annotations

import numpy as np

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.errors import DataError
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import copy
from owlkit.layers.base import Layer


class RowNumbers:
    """The numbers in a blob, in Caffe's order, as the kernels of rows take them.

    rows : how many rows there are. advice : what to do about a number that is none, for the error.
    """

    def __init__(self, layer: Layer, device: Device, indices: Blob, rows: int, advice: str) -> None:
        self._layer, self._indices, self._rows, self._advice = layer, indices, rows, advice
        self._plain: Tensor | None = None
        if not indices.descriptor.is_plain:
            self._plain = Tensor(Descriptor(indices.shape, indices.dtype))
            self._copy = copy.make(device, copy.Copy(indices.descriptor, self._plain.descriptor))

    def read(self) -> np.ndarray:
        """Check and keep them, (count,) int64; raises DataError as `read_indices`."""
        self._kept = read_indices(self._layer, self._indices, self._rows, self._advice)
        return self._kept

    def kept(self) -> np.ndarray:
        return self._kept

    def tensor(self) -> Tensor:
        if self._plain is None:
            return self._indices.data_tensor
        self._copy.forward(self._indices.data_tensor, self._plain)
        return self._plain


def read_indices(layer: Layer, indices: Blob, rows: int, advice: str) -> np.ndarray:
    """The values of `indices` in Caffe's order, (count,) int64.

    Raises DataError for the first that is no whole number in [0, rows); `advice` ends its message.
    """
    values = indices.peek().reshape(-1)
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
        f"{indices.given_name!r} is no row (whole numbers 0..{rows - 1}); {advice}"
    )
    error.place = (indices.name, place[0])
    raise error
