"""The driver for CuPy compiles and launches our kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.compiling import whole_source
from owlkit.core.gpu.cupy_driver import CupyDriver
from tests.core.on_fake_cuda import fetched, launch
from tests.support.fake_cuda import FakeCuda


def test_arguments_are_those_of_the_call(driver: CupyDriver, cuda: FakeCuda, kernel: Any) -> None:
    x, y, z = (driver.allocate(24) for _ in range(3))
    driver.upload(x.pointer, np.arange(6, dtype=np.float32))
    launch(kernel, x.pointer, y.pointer, 0.5)
    launch(kernel, y.pointer, z.pointer, -2.5)  # before the first one has run
    found = fetched(driver, z.pointer, np.empty(6, np.float32))
    np.testing.assert_array_equal(found, np.arange(6, dtype=np.float32) - 2)
    assert cuda.launches == [("add", (2, 1, 1), (32, 1, 1), 0)] * 2


def test_much_shared_memory_is_asked_for_once(driver: CupyDriver, cuda: FakeCuda, kernel: Any) -> None:
    x = driver.allocate(24)
    for shared in (48 << 10, 64 << 10, 60 << 10, 100 << 10):
        launch(kernel, x.pointer, x.pointer, 1, shared)
    assert cuda.permitted == [(77, 8, 64 << 10), (77, 8, 100 << 10)]


def test_source_has_the_headers_it_needs() -> None:
    assert "#include" not in whole_source("", {"T": "float", "A": "float"})
    half = whole_source("KERNEL", {"T": "__half", "A": "float"})
    assert half.index("cuda_fp16.h") < half.index("#define T __half") < half.index("KERNEL")
    assert "cuda_bf16.h" in whole_source("", {"T": "__nv_bfloat16"})
    assert {"NAN", "INFINITY"} <= set(whole_source("", {}).split()), "NVRTC has no math.h"


def test_the_compilers_words(driver: CupyDriver, cuda: FakeCuda) -> None:
    with pytest.raises(DeviceError, match="SYNTAX is undefined"):
        driver.compile("SYNTAX", {}, ["add"])


def test_no_compiler(driver: CupyDriver, cuda: FakeCuda) -> None:
    cuda.without_nvrtc = True
    with pytest.raises(DeviceError, match=r"cannot be compiled: .*libnvrtc\.so\.13.*owlkit\[gpu\]"):
        driver.compile("KERNEL", {}, ["add"])
