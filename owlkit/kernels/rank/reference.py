"""Ranks in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.axes import split
from owlkit.kernels.rank.host import HostKernel

if TYPE_CHECKING:
    from owlkit.kernels.rank import Rank


class RankKernel(HostKernel):
    def __init__(self, device: Device, spec: Rank) -> None:
        super().__init__(device, spec)
        self._split = split(spec.x, spec.axis)

    def below(self, x: Tensor, targets: np.ndarray) -> np.ndarray:
        outer, _length, inner = self._split
        scores = x.flat.reshape(self._split)
        own = np.take_along_axis(scores, targets.reshape(outer, 1, inner), axis=1)
        return np.count_nonzero(scores < own, axis=1).reshape(-1)
