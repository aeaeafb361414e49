"""Whether there is a GPU that can be used, found out without importing CuPy."""

from __future__ import annotations

import importlib.util
from functools import cache

from owlkit.core import machine


@cache
def found_gpus() -> machine.Gpus:
    """NVIDIA's GPUs, asked for once."""
    return machine.gpus()


def cupy_installed() -> bool:
    """Whether CuPy could be imported."""
    return importlib.util.find_spec("cupy") is not None


def obstacle(number: int) -> str:
    """Why GPU `number` cannot be used, and what to do; empty where nothing is in the way."""
    found = found_gpus()
    if not found.found:
        return f"no NVIDIA GPU can be used ({found.reason}); use device='cpu'"
    if not 0 <= number < len(found.found):
        return f"there is no GPU {number}: this machine has {len(found.found)}, counted from 0"
    if not cupy_installed():
        return "CuPy is not installed; pip install 'owlkit[gpu]', or 'owlkit[gpu12]' for CUDA 12"
    return ""
