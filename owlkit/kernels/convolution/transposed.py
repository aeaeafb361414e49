"""Transposed convolution: a convolution's kernel with forward and data gradient in each other's place."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.tensor import Tensor


class TransposedKernel:
    """Calls a convolution's kernel the other way round, and adds the bias.

    The weights' gradient correlates the convolution's input with its output's gradient: here dy with x.
    """

    def __init__(self, inner: Any, axis: int) -> None:
        self._inner, self._axis = inner, axis
        self.implementation, self.refused = inner.implementation, inner.refused

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        self._inner.backward_data(x, w, y)
        if b is not None:
            spatial = (1,) * (len(y.shape) - self._axis - 1)
            np.add(y.array, b.array.reshape(-1, *spatial), out=y.array)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        self._inner.forward(dy, w, None, dx)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        if dw is not None:
            self._inner.backward_params(dy, x, dw, None, accumulate)
        if db is not None:
            others = tuple(axis for axis in range(len(dy.shape)) if axis != self._axis)
            total = dy.array.sum(axis=others)
            db.array[...] = db.array + total if accumulate else total
