"""Fully connected in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.inner_product import InnerProduct


class InnerProductKernel:
    def __init__(self, device: Device, spec: InnerProduct) -> None:
        self.spec = spec

    def _weights(self, w: Tensor) -> np.ndarray:
        """(N, K) whatever `transpose` says."""
        return w.array.T if self.spec.transpose else w.array

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        result = x.array.reshape(self.spec.rows, self.spec.inputs) @ self._weights(w).T
        if b is not None:
            result += b.array
        if self.spec.relu:
            np.maximum(result, 0, out=result)
        y.array[...] = result.reshape(y.shape)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        dx.array[...] = (dy.array.reshape(self.spec.rows, self.spec.outputs) @ self._weights(w)).reshape(
            dx.shape
        )

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        gradient = dy.array.reshape(self.spec.rows, self.spec.outputs)
        if dw is not None:
            product = gradient.T @ x.array.reshape(self.spec.rows, self.spec.inputs)
            product = product.T if self.spec.transpose else product
            dw.array[...] = dw.array + product if accumulate else product
        if db is not None:
            total = gradient.sum(axis=0)
            db.array[...] = db.array + total if accumulate else total
