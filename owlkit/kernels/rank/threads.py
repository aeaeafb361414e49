"""Ranks shared by threads, counted by sums that NumPy makes fast: of bytes, or products for many classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.rank.host import HostKernel
from owlkit.kernels.threads import share

if TYPE_CHECKING:
    from owlkit.kernels.rank import Rank

_FEW = np.iinfo(np.int8).max  # classes that a sum of int8 can count


class RankKernel(HostKernel):
    def __init__(self, device: Device, spec: Rank) -> None:
        super().__init__(device, spec)
        outer, length, inner = split(spec.x, spec.axis)
        if inner != 1:
            raise Unsupported("a position's scores are not neighbours in memory")
        self._rows = outer, length
        self._first = np.arange(outer) * length  # where each position's class 0 lies
        self._ones = np.ones(length, np.float32)  # exact up to 2^24 classes
        self._counts = np.empty(outer, np.int8 if length <= _FEW else np.float32)

    def below(self, x: Tensor, targets: np.ndarray) -> np.ndarray:
        scores, counts = x.flat.reshape(self._rows), self._counts

        def count(start: int, stop: int) -> None:
            own = x.flat.take(self._first[start:stop] + targets[start:stop])
            lower = np.less(scores[start:stop], own[:, None])
            if counts.dtype == np.int8:
                # NumPy's sums over a short last axis take twice as long, count_nonzero over an axis, too.
                counts[start:stop] = np.einsum("ik->i", lower.view(np.int8))
            else:
                np.vecdot(lower.astype(np.float32), self._ones, out=counts[start:stop])

        share(self._rows[0], scores.size, count)
        return counts
