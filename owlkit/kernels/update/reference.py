"""Solver updates in NumPy, in chunks that stay in cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.update import Momentum

CHUNK = 1 << 16  # elements: three float32 chunks and a temporary fit into a core's second-level cache


class MomentumKernel:
    def __init__(self, device: Device, spec: Momentum) -> None:
        self._momentum = np.dtype(spec.values.dtype).type(spec.momentum)
        self._step = np.empty(min(CHUNK, spec.values.count), spec.values.dtype)

    def __call__(self, data: Tensor, diff: Tensor, history: Tensor, rate: float, decay: float) -> None:
        scalar = data.flat.dtype.type
        for start in range(0, data.flat.size, CHUNK):
            w, g, v = (t.flat[start : start + CHUNK] for t in (data, diff, history))
            step = np.multiply(w, scalar(decay), out=self._step[: w.size])
            step += g
            step *= scalar(rate)
            v *= self._momentum
            v += step
            w -= v
