"""Batch normalisation in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.batchnorm import BatchNorm


class BatchNormKernel:
    def __init__(self, device: Device, spec: BatchNorm) -> None:
        self.spec = spec
        self._others = (0, *range(2, len(spec.x.shape)))
        self._count = spec.x.count // spec.x.shape[1]
        self._passed: np.ndarray | None = None  # where the ReLU let the value through

    def _wide(self, values: np.ndarray) -> np.ndarray:
        """(C,) as (1, C, 1, ...)."""
        return values.reshape(1, -1, *[1] * (len(self.spec.x.shape) - 2))

    def _sum(self, a: np.ndarray) -> np.ndarray:
        return a.sum(axis=self._others)

    def forward(
        self, x: Tensor, y: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None
    ) -> None:
        if not self.spec.global_stats:
            mean.array[...] = self._sum(x.array) / self._count
            centred = x.array - self._wide(mean.array)
            variance.array[...] = self._sum(centred * centred) / self._count
        out = self._normalised(x, mean, variance)
        if gamma is not None:
            out *= self._wide(gamma.array)
        if beta is not None:
            out += self._wide(beta.array)
        if self.spec.relu:
            self._passed = out > 0
            out *= self._passed
        y.array[...] = out

    def _normalised(self, x: Tensor, mean: Tensor, variance: Tensor) -> np.ndarray:
        return (x.array - self._wide(mean.array)) * self._wide(self._inverse_deviation(variance))

    def _inverse_deviation(self, variance: Tensor) -> np.ndarray:
        return 1 / np.sqrt(variance.array + variance.array.dtype.type(self.spec.eps))

    def backward(
        self, x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None,
        dy: Tensor, dx: Tensor, dgamma: Tensor | None, dbeta: Tensor | None,
    ) -> None:  # fmt: skip
        """With n = normalised x: dx = gamma / sqrt(variance + eps) * (dy - mean(dy) - n * mean(dy * n))."""
        g = dy.array if self._passed is None else dy.array * self._passed
        n = self._normalised(x, mean, variance)
        to_gamma, to_beta = self._sum(g * n), self._sum(g)
        if dgamma is not None:
            dgamma.array[...] = to_gamma
        if dbeta is not None:
            dbeta.array[...] = to_beta
        factor = self._inverse_deviation(variance)
        if gamma is not None:
            factor = factor * gamma.array
        if not self.spec.global_stats:
            g = g - self._wide(to_beta / self._count) - n * self._wide(to_gamma / self._count)
        dx.array[...] = g * self._wide(factor)
