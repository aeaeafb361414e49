"""The GPU that tests run on: by CuPy, a real one or an imagined one, or the stand-in where there is none."""

from __future__ import annotations

import os
from typing import Any

import owlkit
from owlkit.core.gpu.detection import obstacle
from owlkit.core.gpu.device import GpuDevice
from tests.support import emulated_gpu, imagined_cuda


def is_real() -> bool:
    """Whether there is one that can be used, by CuPy."""
    return not obstacle(0)


def is_fast() -> bool:
    """Whether it is one of metal, which computes in no time what takes an imagined one hours."""
    return is_real() and not imagined_cuda.wanted()


def open_device(**options: Any) -> GpuDevice:
    """A device with the given options (tf32, deterministic, graph)."""
    return owlkit.gpu(**options) if is_real() else emulated_gpu.emulated_device(**options)


def free_bytes(device: GpuDevice) -> int:
    """What is free on the GPU; where other processes of this run use it too, less what this one has in use,
    as far as CuPy's pool knows: graphs lie outside it.
    """
    free, _ = device.gpu.driver.memory()
    if not (is_real() and "PYTEST_XDIST_WORKER" in os.environ):
        return free
    import cupy

    return -int(cupy.get_default_memory_pool().used_bytes())
