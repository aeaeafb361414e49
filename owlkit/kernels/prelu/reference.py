"""PReLU in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split

if TYPE_CHECKING:
    from owlkit.kernels.prelu import PReLU


class PReLUKernel:
    def __init__(self, device: Device, spec: PReLU) -> None:
        self.spec = spec
        self._split = split(spec.x, 1)

    def forward(self, x: Tensor, a: Tensor, y: Tensor) -> None:
        values, out = x.flat.reshape(self._split), y.flat.reshape(self._split)
        below = a.array.reshape(-1, 1) * np.minimum(values, 0)
        np.maximum(values, 0, out=out)
        np.add(out, below, out=out)

    def backward(self, x: Tensor, a: Tensor, dy: Tensor, dx: Tensor, da: Tensor) -> None:
        """da = sum of dy * min(x, 0) over the channel."""
        values, g = x.flat.reshape(self._split), dy.flat.reshape(self._split)
        products = g * np.minimum(values, 0)
        da.array[...] = products.sum() if self.spec.shared else products.sum(axis=(0, 2))
        slope = np.where(values > 0, 1, a.array.reshape(-1, 1)).astype(g.dtype, copy=False)
        np.multiply(g, slope, out=dx.flat.reshape(self._split))
