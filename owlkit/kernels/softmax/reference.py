"""Softmax in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split

if TYPE_CHECKING:
    from owlkit.kernels.softmax import Softmax


class SoftmaxKernel:
    def __init__(self, device: Device, spec: Softmax) -> None:
        self._split = split(spec.x, spec.axis)

    def forward(self, x: Tensor, y: Tensor) -> None:
        a, out = x.flat.reshape(self._split), y.flat.reshape(self._split)
        # The largest exponent becomes 0: nothing overflows, and the sum is at least 1. Scores of a diverged
        # net (inf - inf) give NaN in silence, as from every other implementation: the solver reports
        # divergence.
        with np.errstate(invalid="ignore"):
            np.exp(a - a.max(axis=1, keepdims=True), out=out)
        out /= out.sum(axis=1, keepdims=True)

    def backward(self, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        b, g = y.flat.reshape(self._split), dy.flat.reshape(self._split)
        dx.flat.reshape(self._split)[...] = b * (g - (g * b).sum(axis=1, keepdims=True))
