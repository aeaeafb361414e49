"""What the tests of the driver for CuPy do on the stand-in for CUDA."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from owlkit.core.gpu.cupy_driver import CupyDriver
from tests.support.emulated_gpu.driver import at


def fetched(driver: CupyDriver, pointer: int, array: np.ndarray) -> np.ndarray:
    found = np.empty_like(array)
    driver.download(found, pointer)
    return found


def add(parameters: int) -> Callable[[], None]:
    """KERNEL add(int n, IN(float) x, OUT(float) y, float by)"""
    places = (ctypes.c_void_p * 4).from_address(parameters)
    n = ctypes.c_int.from_address(places[0]).value
    x, y = (ctypes.c_uint64.from_address(place).value for place in places[1:3])
    by = ctypes.c_float.from_address(places[3]).value

    def work() -> None:
        at(y, n * 4).view(np.float32)[...] = at(x, n * 4).view(np.float32) + np.float32(by)

    return work


def launch(kernel: Any, x: int, y: int, by: float, shared: int = 0) -> None:
    args = (np.int32(6), np.uint64(x), np.uint64(y), np.float32(by))
    kernel((2, 1, 1), (32, 1, 1), args, shared)
