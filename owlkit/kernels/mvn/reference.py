"""MVN in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.mvn import MVN


class MVNKernel:
    def __init__(self, device: Device, spec: MVN) -> None:
        self.spec, self._groups = spec, spec.groups
        self._y, self._product = (np.empty(self._groups, spec.x.dtype) for _ in range(2))

    def forward(self, x: Tensor, y: Tensor) -> None:
        values, out = x.flat.reshape(self._groups), y.flat.reshape(self._groups)
        np.subtract(values, values.mean(axis=1, keepdims=True), out=out)
        if self.spec.scaled:
            variance = np.square(out, out=self._product).mean(axis=1, keepdims=True)
            self._deviation = np.sqrt(variance) + out.dtype.type(self.spec.eps)
            np.divide(out, self._deviation, out=self._y)
            out[...] = self._y

    def backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> None:
        g, out = dy.flat.reshape(self._groups), dx.flat.reshape(self._groups)
        mean = g.mean(axis=1, keepdims=True)
        if not self.spec.scaled:
            np.subtract(g, mean, out=out)
            return
        product = self._product
        slope = np.multiply(self._y, g, out=product).mean(axis=1, keepdims=True)
        np.multiply(self._y, slope, out=product)
        np.subtract(g, mean, out=out)
        np.subtract(out, product, out=out)
        np.divide(out, self._deviation, out=out)
