"""Devices on the stand-in."""

from __future__ import annotations

import shutil
from typing import Any

from owlkit.core.gpu.device import GpuDevice
from tests.support.emulated_gpu.cudnn import EmulatedCudnn
from tests.support.emulated_gpu.driver import EmulatedDriver
from tests.support.emulated_gpu.pointers import EmulatedGpu


def available() -> bool:
    """Whether the stand-in can be used: it needs g++."""
    return shutil.which("g++") is not None


def emulated_device(total: int = 1 << 33, *, cudnn: bool = False, **options: Any) -> GpuDevice:
    """A device on a stand-in GPU of its own with `total` bytes. cudnn : whether it has cuDNN."""
    driver = EmulatedDriver(total)
    if cudnn:
        driver.dnn = EmulatedCudnn(driver)
    return GpuDevice(EmulatedGpu(driver), **options)
