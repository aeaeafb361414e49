"""Whether there is a GPU, found out without importing CuPy."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache

_LIBRARIES = ("libcuda.so.1", "nvcuda.dll")


@cache
def gpu_count() -> int:
    """How many GPUs NVIDIA's driver shows; 0 where there is no driver."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        count = ctypes.c_int(0)
        if library.cuInit(0) == 0 and library.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


def cupy_installed() -> bool:
    """Whether CuPy could be imported."""
    return importlib.util.find_spec("cupy") is not None
