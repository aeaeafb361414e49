"""Sums over flat arrays whose error does not grow with their length."""

from __future__ import annotations

import numpy as np

_BLOCK = 1 << 16  # values: a float32 block stays in a core's second-level cache


def squared_norm(values: np.ndarray) -> float:
    """The sum of squares of `values`, (count,) float32 or float64; blocks are added up in float64."""
    blocks = (values[start : start + _BLOCK] for start in range(0, values.size, _BLOCK))
    return float(sum(float(np.dot(block, block)) for block in blocks))
