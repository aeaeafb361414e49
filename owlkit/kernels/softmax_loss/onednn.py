"""Softmax by oneDNN; the few numbers that the loss needs are gathered and scattered by NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.softmax import Softmax
from owlkit.kernels.softmax.onednn import SoftmaxKernel
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.softmax_loss import SoftmaxLoss


class SoftmaxLossKernel:
    def __init__(self, device: Device, spec: SoftmaxLoss) -> None:
        self._split = outer, length, inner = split(spec.x, spec.axis)
        self._softmax = SoftmaxKernel(device, Softmax(spec.x, spec.axis))
        self.detail = self._softmax.detail
        rows = outer * inner
        # Where each row's class 0 lies in memory; class k lies k * inner further on.
        self._first = (np.arange(outer)[:, None] * (length * inner) + np.arange(inner)).reshape(-1)
        self._index = np.empty(rows, np.int64)
        self._picked = np.empty(rows, spec.x.dtype)
        self._log = np.empty(rows, spec.x.dtype)
        self._ignored: np.ndarray | None = None
        self._tiny = np.finfo(np.float32).tiny  # Caffe's FLT_MIN: a probability of 0 costs 87, not infinity

    def forward(self, x: Tensor, p: Tensor, targets: np.ndarray, ignored: np.ndarray | None) -> float:
        self._softmax.forward(x, p)
        index, log = self._index, self._log
        np.multiply(targets, self._split[2], out=index)
        np.add(index, self._first, out=index)
        # mode="clip" spares a copy of `out`; the targets were checked by the layer.
        p.flat.take(index, out=self._picked, mode="clip")
        np.maximum(self._picked, self._tiny, out=log)
        np.log(log, out=log)
        self._ignored = ignored
        if ignored is not None:
            log[ignored] = 0
        return -float(log.sum())

    def backward(self, p: Tensor, scale: float, dx: Tensor) -> None:
        source, target = p.flat, dx.flat

        def multiply(start: int, stop: int) -> None:
            np.multiply(source[start:stop], scale, out=target[start:stop])

        share(source.size, source.size, multiply)
        # (p - 1) * scale, not p * scale - scale: exact where p is close to 1.
        np.subtract(self._picked, 1, out=self._log)
        np.multiply(self._log, scale, out=self._log)
        dx.flat[self._index] = self._log
        if self._ignored is not None:
            outer, length, inner = self._split
            dx.flat.reshape(outer, length, inner).transpose(0, 2, 1)[self._ignored.reshape(outer, inner)] = 0
