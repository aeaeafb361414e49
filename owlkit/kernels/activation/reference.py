"""Activations in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.activation import Activation


class ActivationKernel:
    def __init__(self, device: Device, spec: Activation) -> None:
        self.spec = spec

    def forward(self, x: Tensor, y: Tensor) -> None:
        a, out = x.flat, y.flat
        if self.spec.kind == "relu":
            out[...] = np.maximum(a, 0) + self.spec.slope * np.minimum(a, 0)
        elif self.spec.kind == "tanh":
            np.tanh(a, out=out)
        else:
            out[...] = 0.5 * np.tanh(0.5 * a) + 0.5  # Caffe's form: no overflow for large -a

    def backward(self, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        b, g = y.flat, dy.flat
        if self.spec.kind == "relu":
            dx.flat[...] = g * np.where(b > 0, 1, self.spec.slope).astype(g.dtype)
        elif self.spec.kind == "tanh":
            dx.flat[...] = g * (1 - b * b)
        else:
            dx.flat[...] = g * b * (1 - b)
