"""Running statistics in NumPy: a few numbers per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.batchnorm import Statistics


class StatisticsKernel:
    def __init__(self, device: Device, spec: Statistics) -> None:
        # Arrays, because NumPy takes half as long again to make one of a number.
        numbers = (spec.fraction, spec.unbias, 1)
        self._fraction, self._unbias, self._one = (np.asarray(n, spec.channels.dtype) for n in numbers)
        self._unbiased = np.empty(spec.channels.shape, spec.channels.dtype)

    def follow(self, mean: Tensor, variance: Tensor, running: tuple[Tensor, Tensor, Tensor]) -> None:
        unbiased = np.multiply(variance.flat, self._unbias, self._unbiased)
        for tensor, seen in zip(running, (mean.flat, unbiased, self._one), strict=True):
            values = tensor.flat
            np.multiply(values, self._fraction, values)
            np.add(values, seen, values)

    def read(self, running: tuple[Tensor, Tensor, Tensor], mean: Tensor, variance: Tensor) -> None:
        means, variances, scale = (tensor.flat for tensor in running)
        factor = means.dtype.type(0 if scale[0] == 0 else 1 / scale[0])
        np.multiply(means, factor, mean.flat)
        np.multiply(variances, factor, variance.flat)
