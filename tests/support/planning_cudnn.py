"""cuDNN itself, as far as it goes without a GPU: it makes plans for an H100 that it is told about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# What cuDNN asks CUDA for; `memoryBusWidth` is wanted from cuDNN 9.28 on.
H100 = {
    "deviceVer": 900,
    "driverVer": 13000,
    "cudaDeviceId": 0,
    "deviceName": "NVIDIA H100 80GB HBM3",
    "totalGlobalMem": 85520809984,
    "maxGridSize": [2147483647, 65535, 65535],
    "maxBlockSize": [1024, 1024, 64],
    "regsPerBlock": 65536,
    "multiProcessorCount": 132,
    "warpSize": 32,
    "maxSharedMemoryPerBlock": 49152,
    "maxSharedMemoryPerBlockOptin": 232448,
    "reservedSharedMemoryPerBlock": 1024,
    "maxRegistersPerSM": 65536,
    "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024,
    "maxThreadsPerSM": 2048,
    "pciDeviceId": 0,
    "isTccDriver": 0,
    "supportCoopLaunch": 1,
    "smClockRateKHz": 1980000,
    "memClockRateKHz": 2619000,
    "l2CacheSize": 52428800,
    "memoryBusWidth": 5120,
}


class PlanningCudnn:
    """`owlkit.core.gpu.driver.Cudnn` that plans and runs nothing. Skips the test where cuDNN cannot."""

    about, cache = "plans only", None

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.frontend: Any = pytest.importorskip("cudnn", reason="nvidia-cudnn-frontend is not installed")
        try:
            self._device = self.frontend.create_device_properties(json.dumps(H100))
        except RuntimeError as why:  # from 9.20 on it wants NVIDIA's driver, libcuda.so.1, even for this
            pytest.skip(f"cuDNN {self.frontend.backend_version()} makes no plans without a GPU: {why}")

    def graph(self, dtype: Any) -> Any:
        wide = self.frontend.data_type.FLOAT
        return self.frontend.pygraph(
            io_data_type=dtype,
            intermediate_data_type=wide,
            compute_data_type=wide,
            device_property=self._device,
            sm_version=90,
        )

    def load(self, content: bytes) -> Any:
        graph = self.frontend.pygraph(device_property=self._device, sm_version=90)
        graph.deserialize(list(content))
        return graph

    def execute(self, graph: Any, places: dict[int, int], workspace: int) -> None:
        raise AssertionError("there is no GPU to run on")

    def seconds(self, work: Callable[[], None]) -> float:
        raise AssertionError("there is no GPU to time on")


def cache_in(folder: Path) -> PlanningCudnn:
    """One that keeps its plans in a folder."""
    library = PlanningCudnn()
    library.cache = folder  # type: ignore[assignment]
    return library
