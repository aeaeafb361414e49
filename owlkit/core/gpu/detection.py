"""Whether there is a GPU that can be used, found out without importing CuPy."""

from __future__ import annotations

import importlib.util
import os
from functools import cache

from owlkit.core import machine

_CUDA_OF_PACKAGES = {"cupy-cuda13x": 13, "cupy-cuda12x": 12}


@cache
def found_gpus() -> machine.Gpus:
    """NVIDIA's GPUs, asked for once."""
    return machine.gpus()


def cupy_installed() -> bool:
    """Whether CuPy could be imported."""
    return importlib.util.find_spec("cupy") is not None


@cache
def cuda_of_cupy() -> int | None:
    """The first number of the CUDA version that CuPy's wheel is made for; None for a CuPy of another kind."""
    from importlib import metadata  # slow, and for machines with a GPU only

    for package, version in _CUDA_OF_PACKAGES.items():
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return version
    return None


def obstacle(number: int) -> str:
    """Why GPU `number` cannot be used, and what to do; empty where nothing is in the way."""
    found = found_gpus()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = "" if chosen is None else f", CUDA_VISIBLE_DEVICES={chosen!r}"
    if not found.found:
        return f"no NVIDIA GPU can be used ({found.reason}{hidden}); use device='cpu'"
    if not 0 <= number < len(found.found):
        return f"there is no GPU {number}: this machine has {len(found.found)}, counted from 0{hidden}"
    if not cupy_installed():
        return "CuPy is not installed; pip install 'owlkit[gpu]', or 'owlkit[gpu12]' for CUDA 12"
    return _too_old(found.driver, cuda_of_cupy())


def _too_old(driver: tuple[int, int] | None, wanted: int | None) -> str:
    """What to do where the driver serves an older CUDA than CuPy wants; empty where it does not."""
    if driver is None or wanted is None or driver[0] >= wanted:
        return ""
    served = f"the driver serves CUDA {driver[0]}.{driver[1]}, and CuPy is made for CUDA {wanted}"
    other = f", or pip uninstall cupy-cuda{wanted}x and pip install 'owlkit[gpu12]'"
    return f"{served}: update NVIDIA's driver{other if driver[0] == 12 else ''}"
