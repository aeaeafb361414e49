"""The highest values in NumPy, by sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.argmax import ArgMax


def sorted_best(rows: np.ndarray, count: int) -> np.ndarray:
    """Indices of the highest values along the last axis, (..., count), of equals the highest index first."""
    order = np.argsort(-rows[..., ::-1], axis=-1, kind="stable")
    return np.asarray(rows.shape[-1] - 1 - order[..., :count])


class ArgMaxKernel:
    def __init__(self, device: Device, spec: ArgMax) -> None:
        self.spec = spec

    def best(self, rows: np.ndarray, count: int) -> np.ndarray:
        """Which of the values along the last axis are the highest, (..., count)."""
        return sorted_best(rows, count)

    def forward(self, x: Tensor, y: Tensor) -> None:
        spec, values, out = self.spec, x.peek(), y.array
        if spec.axis is None:
            rows = values.reshape(len(values), -1)
            best = self.best(rows, spec.top_k)
            both = (best, np.take_along_axis(rows, best, -1)) if spec.values else (best,)
            out[...] = np.stack(both, axis=1).reshape(out.shape)
            return
        rows = np.moveaxis(values, spec.axis, -1)
        best = self.best(rows, spec.top_k)
        found = np.take_along_axis(rows, best, -1) if spec.values else best
        out[...] = np.moveaxis(found, -1, spec.axis)
