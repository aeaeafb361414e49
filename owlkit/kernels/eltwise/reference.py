"""Elementwise combinations in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor

if TYPE_CHECKING:
    from owlkit.kernels.eltwise import Eltwise


class EltwiseKernel:
    def __init__(self, device: Device, spec: Eltwise) -> None:
        self.spec = spec
        self._winner = np.empty(0, np.intp)

    def forward(self, xs: Sequence[Tensor], y: Tensor) -> None:
        values = [x.flat for x in xs]
        if self.spec.operation == "sum":
            pairs = zip(self.spec.coefficients, values, strict=True)
            total = sum(v if c == 1 else v * v.dtype.type(c) for c, v in pairs)
            y.flat[...] = np.maximum(total, 0) if self.spec.relu else total
        elif self.spec.operation == "prod":
            y.flat[...] = reduce(np.multiply, values)
        else:
            self._maximum(values, y)

    def _maximum(self, values: list[np.ndarray], y: Tensor) -> None:
        """Bottom 1 wins a tie over bottom 0; later bottoms must be strictly larger (Caffe)."""
        first, second, *later = values
        best = np.where(first > second, first, second)
        winner = np.where(first > second, 0, 1)
        for index, value in enumerate(later, start=2):
            winner[value > best] = index
            best = np.maximum(best, value)
        self._winner = winner
        y.flat[...] = best

    def backward(self, xs: Sequence[Tensor], y: Tensor, dy: Tensor, dxs: Sequence[Tensor | None]) -> None:
        for index, dx in enumerate(dxs):
            if dx is not None:
                dx.flat[...] = dy.flat * self._derivative(index, xs, y)

    def _derivative(self, index: int, xs: Sequence[Tensor], y: Tensor) -> np.ndarray:
        if self.spec.operation == "sum":
            return y.flat.dtype.type(self.spec.coefficients[index])
        if self.spec.operation == "max":
            return self._winner == index
        if not self.spec.stable:
            return y.flat / xs[index].flat
        return reduce(np.multiply, [x.flat for i, x in enumerate(xs) if i != index])


class Addition:
    def __init__(self, device: Device, x: Descriptor) -> None:
        pass

    def __call__(self, total: Tensor, part: Tensor) -> None:
        values = total.flat
        np.add(values, part.flat, out=values)
