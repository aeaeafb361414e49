"""Scale and shift in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.scale import Scale


class ScaleKernel:
    def __init__(self, device: Device, spec: Scale) -> None:
        self.spec = spec
        end = spec.axis + spec.num_axes
        axes = range(len(spec.x.shape))
        self._others = tuple(a for a in axes if not spec.axis <= a < end)
        self._wide_shape = tuple(spec.x.shape[a] if spec.axis <= a < end else 1 for a in axes)

    def _wide(self, tensor: Tensor) -> np.ndarray:
        return tensor.array.reshape(self._wide_shape)

    def forward(self, x: Tensor, y: Tensor, gamma: Tensor, beta: Tensor | None) -> None:
        np.multiply(x.array, self._wide(gamma), out=y.array)
        if beta is not None:
            y.array[...] += self._wide(beta)

    def backward(
        self, x: Tensor, gamma: Tensor, dy: Tensor, dx: Tensor, dgamma: Tensor, dbeta: Tensor | None
    ) -> None:
        """dgamma = sum of dy * x, dbeta = sum of dy, over the axes that gamma lacks; dx = gamma * dy."""
        dgamma.array[...] = (dy.array * x.array).sum(axis=self._others)
        if dbeta is not None:
            dbeta.array[...] = dy.array.sum(axis=self._others)
        np.multiply(dy.array, self._wide(gamma), out=dx.array)
