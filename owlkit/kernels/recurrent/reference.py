"""Recurrent sequences in NumPy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.recurrent.loop import Calls, Loop

if TYPE_CHECKING:
    from owlkit.kernels.recurrent import Recurrent


class RecurrentKernel(Loop):
    def __init__(self, device: Device, spec: Recurrent) -> None:
        super().__init__(spec)

    def _advances(self, z: Tensor, w: Tensor) -> Calls:
        gates, past = self._per_step(z), self.past.array

        def advance(t: int) -> None:
            gates[t] += past[t] @ w.array.T
            self.cell.activate(gates[t])

        return [partial(advance, t) for t in range(self.spec.steps)]

    def _retreats(self, dz: Tensor, w: Tensor) -> Calls:
        slopes, back = self._per_step(dz), self._back.array
        return [partial(np.matmul, slopes[t], w.array, out=back) for t in range(self.spec.steps)]
