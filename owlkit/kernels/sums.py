"""Sums over flat arrays whose error does not grow with their length."""

from __future__ import annotations

import numpy as np

# Values. From 10,000 on OpenBLAS would wake threads of its own, which wait for the cores of oneDNN's.
_BLOCK = 1 << 13


def squared_norm(values: np.ndarray) -> float:
    """The sum of squares of `values`, (count,) float32 or float64; blocks are added up in float64."""
    blocks = (values[start : start + _BLOCK] for start in range(0, values.size, _BLOCK))
    return float(sum(float(np.dot(block, block)) for block in blocks))
