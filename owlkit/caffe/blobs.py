"""Blobs and lists of blobs as pycaffe shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from owlkit.caffe.arrays import Arrays
from owlkit.core import blob as core
from owlkit.core.shown_blob import ShownBlob


class Blob(ShownBlob):
    """An N-dimensional array with its gradient.

    data, diff : arrays of `shape`, float32 in C order, writable. They stay usable after the net is gone.
    shape : tuple. num, channels, height, width : the first four axes, 1 where there are fewer.
    """

    def __init__(self, blob: core.Blob, arrays: Arrays) -> None:
        super().__init__(blob)
        self._arrays = arrays

    def _array(self, role: str) -> np.ndarray:
        return self._arrays.of(self._blob, role)

    def reshape(self, *shape: int) -> None:
        """Change the shape; the net follows in its next forward pass, or in `net.reshape()`."""
        self._blob.reshape(*shape)

    def __repr__(self) -> str:
        return repr(self._blob)

    def _repr_html_(self) -> str:
        return self._blob._repr_html_()


class BlobVec(Sequence[Blob]):
    """The learned blobs of a layer: weights, then bias."""

    def __init__(self, blobs: Sequence[core.Blob], arrays: Arrays) -> None:
        self._blobs = [Blob(blob, arrays) for blob in blobs]

    @overload
    def __getitem__(self, index: int) -> Blob: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Blob]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._blobs[index]

    def __len__(self) -> int:
        return len(self._blobs)

    def __repr__(self) -> str:
        return repr(self._blobs)
