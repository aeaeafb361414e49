"""Filter: the items of a batch that another bottom selects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.core.dtypes import wide
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import rows
from owlkit.layers.base import Arity, Blobs, Dtype, Layer, register


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

    def dtypes(self, half: str, given: Sequence[str], tops: int) -> tuple[str, list[Dtype], list[str]]:
        made = [given[i] if i < len(given) else "float32" for i in range(tops)]  # each is as its bottom
        return given[0], [*given[:-1], "float32"], made

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
                    f"{selector.shape[0]} values of {selector.given_name!r} cannot select from this; give "
                    "one value per item",
                    x,
                )
            y.reshape(x.shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        items = bottom[-1].count
        self._numbers = _Selected(items, wide(bottom[0].dtype))
        self._kernels = [
            rows.make(device, rows.Rows(items, x.count_between(1), x.dtype, items)) for x in bottom[:-1]
        ]
        self.kernel = self._kernels[0]

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        selected = self._numbers.select(bottom[-1].peek())
        for kernel, x, y in zip(self._kernels, bottom, top, strict=False):
            y.reshape(selected, *x.shape[1:])
            if y.count:  # items lie one after another in every layout
                kernel.take(x.data_tensor, self._numbers, y.data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[-1]:
            raise self.error("cannot backpropagate to what selects; learn nothing below it", bottom[-1])
        for kernel, x, y, wanted in zip(self._kernels, bottom, top, propagate_down, strict=False):
            if wanted:
                x.diff_tensor.zero()
                if y.count:
                    kernel.add(x.diff_tensor, self._numbers, y.diff_tensor)


class _Selected:
    """The numbers of the selected items, as kernels of rows take them. items : in a batch."""

    def __init__(self, items: int, dtype: str) -> None:
        self._tensor = Tensor(Descriptor((items,), dtype))
        self._found = np.empty(0, np.int64)

    def select(self, values: np.ndarray) -> int:
        """Take the items whose value is not 0; returns how many there are."""
        self._found = np.flatnonzero(values)
        self._tensor.flat[: len(self._found)] = self._found
        return len(self._found)

    def read(self) -> np.ndarray:
        return self._found

    kept = read

    def tensor(self) -> Tensor:
        return self._tensor
