"""What the driver asks of CuPy, and its stand-in offers, is there in CuPy itself; it need not find a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.fake_cuda import FakeCuda

cupy: Any = pytest.importorskip("cupy", reason="CuPy is not installed")


def names(offered: Any) -> list[str]:
    return [name for name in vars(offered) if not name.startswith("__")]


def test_every_name_of_the_stand_in() -> None:
    from cupy_backends.cuda.api import driver, runtime

    modules = FakeCuda().modules()
    api = modules["cupy_backends.cuda.api"]
    pairs = [
        (modules["cupy"], cupy),
        (modules["cupy"].cuda, cupy.cuda),
        (api.driver, driver),
        (api.runtime, runtime),
    ]
    missing = [
        f"{real.__name__}.{name}" for ours, real in pairs for name in names(ours) if not hasattr(real, name)
    ]
    assert missing == []
    assert len(names(api.runtime)) > 10


def test_what_the_driver_says_of_errors() -> None:
    from cupy_backends.cuda.api import runtime

    assert runtime.CUDARuntimeError(700).status == 700
    assert issubclass(cupy.cuda.memory.OutOfMemoryError, MemoryError)
    assert not issubclass(cupy.cuda.compiler.CompileException, RuntimeError)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_array_over_memory_of_another(dtype: str) -> None:
    """As `CupyDriver.array` makes it."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    kind, shape = cupy.dtype(dtype), (2, 3, 4, 5)
    strides = tuple(kind.itemsize * step for step in (60, 1, 15, 3))
    owner = np.zeros(480, np.uint8)
    memory = cupy.cuda.UnownedMemory(owner.ctypes.data, owner.size, owner, 0)
    array = cupy.ndarray(shape, kind, memptr=cupy.cuda.MemoryPointer(memory, 0), strides=strides)
    assert (array.shape, array.strides, array.dtype) == (shape, strides, kind)
    assert array.data.ptr == owner.ctypes.data
