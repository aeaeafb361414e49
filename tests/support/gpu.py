"""The GPU that tests run on: the real one, or the stand-in where there is none."""

from __future__ import annotations

from typing import Any

import owlkit
from owlkit.core.gpu.detection import obstacle
from owlkit.core.gpu.device import GpuDevice
from tests.support import emulated_gpu


def is_real() -> bool:
    """Whether there is one that can be used."""
    return not obstacle(0)


def open_device(**options: Any) -> GpuDevice:
    """A device with the given options (tf32, deterministic, graph)."""
    return owlkit.gpu(**options) if is_real() else emulated_gpu.emulated_device(**options)
