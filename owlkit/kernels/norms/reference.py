"""Norms in NumPy, without a copy of the values and in the calling thread alone.

BLAS would call threads of its own for a sum of 0.1 ms, and those spin on for a millisecond on the core
that the net's next layer needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor

if TYPE_CHECKING:
    from owlkit.kernels.norms import Norms

_CHUNK = 1 << 16  # elements: a sum in float32 stays exact enough, and the values stay in cache


class NormsKernel:
    def __init__(self, device: Device, spec: Norms) -> None:
        self._count = len(spec.values)

    def __call__(self, tensors: Sequence[Tensor]) -> np.ndarray:
        return np.array([_norm(tensor.flat) for tensor in tensors])


def _norm(flat: np.ndarray) -> float:
    total = 0.0
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        total += float(np.einsum("i,i->", part, part))
    return total**0.5
