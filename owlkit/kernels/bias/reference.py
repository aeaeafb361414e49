"""Bias in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.bias import Bias


class BiasKernel:
    def __init__(self, device: Device, spec: Bias) -> None:
        end, axes = spec.axis + spec.num_axes, range(len(spec.x.shape))
        self._others = tuple(a for a in axes if not spec.axis <= a < end)
        self._wide = tuple(spec.x.shape[a] if spec.axis <= a < end else 1 for a in axes)

    def forward(self, x: Tensor, b: Tensor, y: Tensor) -> None:
        np.add(x.array, b.array.reshape(self._wide), out=y.array)

    def gradient(self, dy: Tensor, db: Tensor) -> None:
        db.array[...] = dy.array.sum(axis=self._others)
