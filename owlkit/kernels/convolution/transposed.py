"""Transposed convolution: a convolution's kernel with forward and data gradient in each other's place."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import choose
from owlkit.kernels.cuda.biases import Biases


class HostBiases:
    """b (C,) of y by channels, in NumPy: what `Biases` is on a GPU."""

    def __init__(self, device: Device, y: Descriptor, axis: int) -> None:
        self._others = tuple(a for a in range(len(y.shape)) if a != axis)
        self._face = (-1,) + (1,) * (len(y.shape) - axis - 1)

    def add(self, y: Tensor, b: Tensor) -> None:
        np.add(y.array, b.array.reshape(self._face), out=y.array)

    def sum(self, dy: Tensor, db: Tensor, accumulate: bool) -> None:
        total = dy.array.sum(axis=self._others)
        db.array[...] = db.array + total if accumulate else total


def _make_biases(device: Device, y: Descriptor, axis: int) -> Any:
    """For any device: whichever implementation its convolutions have, biases are summed where they lie."""
    on_gpu = {name: lambda gpu, spec: Biases(gpu, *spec) for name in ("cudnn", "cuda")}
    on_host = {name: lambda cpu, spec: HostBiases(cpu, *spec) for name in ("onednn", "threads", "reference")}
    return choose(device, (y, axis), on_gpu | on_host)


class TransposedKernel:
    """Calls a convolution's kernel the other way round, and adds the bias.

    The weights' gradient correlates the convolution's input with its output's gradient: here dy with x.
    """

    def __init__(self, device: Device, inner: Any, y: Descriptor, axis: int) -> None:
        self._inner, self._biases = inner, _make_biases(device, y, axis)
        self.implementation, self.refused = inner.implementation, inner.refused

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None, y: Tensor) -> None:
        self._inner.backward_data(x, w, y)
        if b is not None:
            self._biases.add(y, b)

    def backward_data(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        self._inner.forward(dy, w, None, dx)

    def backward_params(
        self, x: Tensor, dy: Tensor, dw: Tensor | None, db: Tensor | None, accumulate: bool
    ) -> None:
        if dw is not None:
            self._inner.backward_params(dy, x, dw, None, accumulate)
        if db is not None:
            self._biases.sum(dy, db, accumulate)
