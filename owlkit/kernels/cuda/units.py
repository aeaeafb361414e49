"""Units in which kernels move values that they do not look at."""

from __future__ import annotations

import math

import numpy as np

_TYPES = {16: "uint4", 8: "uint2", 4: "unsigned", 2: "unsigned short"}
_ITEMSIZES = {"bfloat16": 2}


def unit(dtype: str, *lengths: int) -> tuple[str, int]:
    """(CUDA type, values in it): the largest in which runs of all these `lengths` are whole."""
    itemsize = _ITEMSIZES.get(dtype) or np.dtype(dtype).itemsize
    nbytes = math.gcd(16, *(length * itemsize for length in lengths))
    return _TYPES[nbytes], nbytes // itemsize
