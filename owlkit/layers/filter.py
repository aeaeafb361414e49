"""Filter: the items of a batch that another bottom selects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.blob import Blob
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("Filter")
class Filter(Layer):
    """The items of a batch that a selector picks.

    bottom i : x_i, (N, ...), one for each top.
    bottom -1 : s, the last one, (N,) or (N, 1, ...).
    top i : y_i, (M, ...), in their order, M of them; M may be 0.
    Formula: y_i = the items n of x_i with s_n != 0
    Gradient: dx_i = dy_i for the selected items, 0 for the others; none to s, and asking for one is refused,
        as in Caffe.
    Parameters: none.
    Source: Caffe's FilterLayer.

    M depends on data: reshape sets M = N (as Caffe's first), forward what it is; what follows is reshaped
    then.
    """

    bottoms = Arity(minimum=2)
    tops = Arity(minimum=1)
    reshapes_in_forward = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        if len(top) != len(bottom) - 1:
            raise self.error(
                f"{len(bottom)} bottoms need {len(bottom) - 1} tops (the last selects), found {len(top)}"
            )
        self.no_gradient = (len(top),)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        selector = bottom[-1]
        if selector.ndim < 1 or selector.count != selector.shape[0]:
            raise self.error("the last bottom selects and must have the shape (N,) or (N, 1, ...)", selector)
        for x, y in zip(bottom, top, strict=False):
            if x.shape[:1] != selector.shape[:1]:
                raise self.error(
                    f"{selector.shape[0]} values of {selector.name!r} cannot select from this", x
                )
            y.reshape(x.shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self._selected = np.flatnonzero(bottom[-1].data)
        for x, y in zip(bottom, top, strict=False):
            y.reshape(len(self._selected), *x.shape[1:])
            np.take(_items(x, "data"), self._selected, axis=0, out=_items(y, "data"), mode="clip")

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[-1]:
            raise self.error("cannot backpropagate to what selects; learn nothing below it", bottom[-1])
        for x, y, wanted in zip(bottom, top, propagate_down, strict=False):
            if wanted:
                dx = _items(x, "diff")
                dx[...] = 0
                dx[self._selected] = _items(y, "diff")


def _items(blob: Blob, role: str) -> np.ndarray:
    """(N, values of an item) in memory order; items lie one after another in every layout."""
    tensor = blob.data_tensor if role == "data" else blob.diff_tensor
    return tensor.flat.reshape(blob.shape[0], blob.count_between(1))
