"""Softmax by oneDNN; the few numbers that the loss needs are gathered and scattered by NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.softmax import Softmax
from owlkit.kernels.softmax.onednn import SoftmaxKernel
from owlkit.kernels.softmax_loss.host import HostKernel
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.softmax_loss import SoftmaxLoss


_PER_ROW = 16  # passes over a row's few numbers, as `share` counts work


class SoftmaxLossKernel(HostKernel):
    def __init__(self, device: Device, spec: SoftmaxLoss) -> None:
        super().__init__(device, spec)
        self._softmax = SoftmaxKernel(device, Softmax(spec.x, spec.axis))
        self._rows, self._length, inner = split(spec.x, spec.axis)
        if inner != 1:
            raise Unsupported("a row's scores are not neighbours in memory")
        self.detail = self._softmax.detail
        self._first = np.arange(self._rows) * self._length  # where each row's class 0 lies
        self._index = np.empty(self._rows, np.int64)
        self._picked, self._log = (np.empty(self._rows, spec.x.dtype) for _ in range(2))
        self._ignored: np.ndarray | None = None
        self._tiny = np.finfo(np.float32).tiny  # Caffe's FLT_MIN: a probability of 0 costs 87, not infinity

    def sum(self, x: Tensor, p: Tensor, targets: np.ndarray, ignored: np.ndarray | None) -> float:
        self._softmax.forward(x, p)

        def gather(start: int, stop: int) -> None:
            rows = slice(start, stop)
            index, picked, log = self._index[rows], self._picked[rows], self._log[rows]
            np.add(self._first[rows], targets[rows], out=index)
            # mode="clip" spares a copy of `out`; the targets were checked by the layer.
            p.flat.take(index, out=picked, mode="clip")
            np.maximum(picked, self._tiny, out=log)
            np.log(log, out=log)

        share(self._rows, self._rows * _PER_ROW, gather)
        self._ignored = ignored
        if ignored is not None:
            self._log[ignored] = 0
        return -float(self._log.sum())

    def scatter(self, p: Tensor, scale: float, dx: Tensor) -> None:
        source, target = p.flat, dx.flat

        def scatter(start: int, stop: int) -> None:
            rows, part = slice(start, stop), slice(start * self._length, stop * self._length)
            np.multiply(source[part], scale, out=target[part])
            # (p - 1) * scale, not p * scale - scale: exact where p is close to 1.
            chosen = np.subtract(self._picked[rows], 1, out=self._log[rows])
            np.multiply(chosen, scale, out=chosen)
            target[self._index[rows]] = chosen

        share(self._rows, source.size, scatter)
        if self._ignored is not None:
            target.reshape(self._rows, self._length)[self._ignored] = 0
