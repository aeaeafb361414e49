"""Local response normalisation in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.lrn import LRN


def _slid(a: np.ndarray, size: int, axis: int) -> np.ndarray:
    """The sum of `size` neighbours (odd, centred) along `axis`, zeros outside; the shape of `a`."""
    out = a.copy()
    forward, back = [slice(None)] * a.ndim, [slice(None)] * a.ndim
    for distance in range(1, min(size // 2, a.shape[axis] - 1) + 1):
        forward[axis], back[axis] = slice(distance, None), slice(None, -distance)
        out[tuple(back)] += a[tuple(forward)]
        out[tuple(forward)] += a[tuple(back)]
    return out


def _inverse_power(s: np.ndarray, beta: float) -> np.ndarray:
    """s^-beta; square roots serve the usual exponents, a power takes ten times as long."""
    if beta == 0.75:
        root = np.sqrt(s)
        return 1 / (root * np.sqrt(root))
    if beta == 0.5:
        return 1 / np.sqrt(s)
    return np.power(s, -beta)


class LRNKernel:
    def __init__(self, device: Device, spec: LRN) -> None:
        self.spec = spec
        self._axes = (2, 3) if spec.within else (1,)
        self._rate = spec.alpha / spec.size ** len(self._axes)
        self._s = self._factor = np.empty(0)

    def _box(self, a: np.ndarray) -> np.ndarray:
        for axis in self._axes:
            a = _slid(a, self.spec.size, axis)
        return a

    def forward(self, x: Tensor, y: Tensor) -> None:
        s = self._box(x.array * x.array)
        s *= self._rate
        s += self.spec.k
        self._s, self._factor = s, _inverse_power(s, self.spec.beta)
        np.multiply(x.array, self._factor, out=y.array)

    def backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        """dx = dy * s^-beta - 2 beta alpha / count * x * (sum of dy * y / s over the neighbourhood)."""
        shared = dy.array * y.array
        shared /= self._s
        shared = self._box(shared)
        shared *= x.array
        shared *= 2 * self.spec.beta * self._rate
        np.multiply(dy.array, self._factor, out=dx.array)
        dx.array[...] -= shared
