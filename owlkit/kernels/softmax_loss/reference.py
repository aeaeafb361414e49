"""Softmax loss in NumPy, written for reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.softmax import Softmax
from owlkit.kernels.softmax.reference import SoftmaxKernel
from owlkit.kernels.softmax_loss.host import HostKernel

if TYPE_CHECKING:
    from owlkit.kernels.softmax_loss import SoftmaxLoss


class SoftmaxLossKernel(HostKernel):
    def __init__(self, device: Device, spec: SoftmaxLoss) -> None:
        super().__init__(device, spec)
        self._split = split(spec.x, spec.axis)
        self._softmax = SoftmaxKernel(device, Softmax(spec.x, spec.axis))

    def sum(self, x: Tensor, p: Tensor, targets: np.ndarray, ignored: np.ndarray | None) -> float:
        self._softmax.forward(x, p)
        outer, length, inner = self._split
        one_hot = targets.reshape(outer, 1, inner) == np.arange(length)[:, None]
        if ignored is not None:
            one_hot &= ~ignored.reshape(outer, 1, inner)
        self._one_hot, self._ignored = one_hot, ignored
        tiny = np.finfo(np.float32).tiny  # Caffe's FLT_MIN: a probability of 0 costs 87, not infinity
        return float(-np.log(np.maximum(p.flat.reshape(self._split)[one_hot], tiny)).sum())

    def scatter(self, p: Tensor, scale: float, dx: Tensor) -> None:
        outer, _length, inner = self._split
        gradient = scale * (p.flat.reshape(self._split) - self._one_hot)
        if self._ignored is not None:
            gradient *= ~self._ignored.reshape(outer, 1, inner)
        dx.flat.reshape(self._split)[...] = gradient
