"""The driver for CuPy in threads, beside other GPUs, and what it says of CUDA's errors."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu import context as cuda_context
from owlkit.core.gpu import gpu as gpus
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.gpu import Gpu
from tests.core.on_fake_cuda import fetched, launch
from tests.support.fake_cuda import CUDARuntimeError, FakeCuda


def test_threads_that_come_together_get_one_gpu(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus._opened.cache_clear()
    monkeypatch.setattr(cuda_context.Context, "leave", lambda *_: time.sleep(0.001))  # opening takes its time
    found: list[Gpu] = []
    threads = [threading.Thread(target=lambda: found.append(gpus.open_gpu(0))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gpus._opened.cache_clear()
    assert len(found) == 4
    assert len(set(map(id, found))) == 1


def test_any_thread_may_use_the_gpu(driver: CupyDriver, cuda: FakeCuda, kernel: Any) -> None:
    x = driver.allocate(24)
    driver.zero(x.pointer, 24)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            launch(kernel, x.pointer, x.pointer, 1)
            driver.upload(driver.allocate(8).pointer, np.zeros(8, np.uint8))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
        thread.join()
    assert not failed
    assert (fetched(driver, x.pointer, np.empty(6, np.float32)) == 4).all()


def test_another_gpu_that_is_in_use_stays_current(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(number=1).install(monkeypatch)
    cuda.contexts.add(0)
    driver = CupyDriver(1)
    driver.zero(driver.allocate(8).pointer, 8)
    assert cuda.runtime().getDevice() == 0


def test_another_gpu_that_nobody_uses_is_given_no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would cost half a gigabyte there; whoever begins to use it later finds it current again."""
    cuda = FakeCuda(number=1).install(monkeypatch)
    runtime, current = cuda.runtime(), []
    driver = CupyDriver(1)

    def work() -> None:
        driver.zero(driver.allocate(8).pointer, 8)
        current.append(runtime.getDevice())

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (cuda.contexts, current) == ({1}, [1, 1])
    runtime.setDevice(0)
    work()
    assert (cuda.contexts, current[-1]) == ({0, 1}, 0)


def test_an_error_of_cuda_is_explained(driver: CupyDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise CUDARuntimeError(700, "cudaErrorIllegalAddress: an illegal memory access was encountered")

    monkeypatch.setattr(driver.context.main, "synchronize", fails)
    with pytest.raises(DeviceError, match=r"GPU 0: cudaErrorIllegalAddress.*CUDA_LAUNCH_BLOCKING"):
        driver.synchronize()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (2, "the GPU has too little memory"),
        (3, "by 'spawn'"),
        (35, r"update NVIDIA's, or for one of CUDA 12 pip install 'owlkit\[gpu12\]'"),
        (100, "CUDA_VISIBLE_DEVICES"),
        (701, "short words$"),
        (719, "the process has to be started again"),
    ],
)
def test_what_to_do_about_it(status: int, words: str, driver: CupyDriver) -> None:
    with pytest.raises(DeviceError, match=words), driver.at_work():
        raise CUDARuntimeError(status, "cudaErrorOfThisKind: short words")


def test_properties(driver: CupyDriver) -> None:
    found = driver.properties()
    assert found["name"] == "NVIDIA H100 80GB HBM3"
    assert found["compute_capability"] == (9, 0)
    assert (found["multiprocessors"], found["l2_bytes"]) == (132, 50 << 20)
    assert (found["driver"], found["runtime"]) == ((13, 0), (13, 2))


def test_no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    with pytest.raises(DeviceError, match="CuPy cannot be imported"):
        CupyDriver(0)
