"""The driver for CuPy captures what is queued as CUDA graphs."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Matrix
from owlkit.core.gpu.gpu import CaptureError, Gpu
from tests.core.on_fake_cuda import fetched, launch
from tests.support.fake_cublas import FakeCublas
from tests.support.fake_cuda import FakeCuda


def test_capture(driver: CupyDriver, products: FakeCublas, kernel: Any) -> None:
    x, y, z = (driver.allocate(24) for _ in range(3))
    square = Matrix(x.pointer, 2), Matrix(y.pointer, 2), Matrix(z.pointer, 2)

    def work() -> None:
        launch(kernel, x.pointer, y.pointer, 1)
        driver.gemm((2, 2, 2), *square, dtype="float32")
        driver.zero(x.pointer, 4)
        driver.copy(y.pointer, x.pointer, 24)

    gpu = Gpu(driver)
    driver.gemm((2, 2, 2), *square, dtype="float32")
    replay = gpu.capture(work)
    before = np.arange(6, dtype=np.float32)
    for _ in range(2):
        driver.upload(x.pointer, before)
        replay.launch()
        after = np.where(np.arange(6) == 0, 0, before).astype(np.float32)
        np.testing.assert_array_equal(fetched(driver, y.pointer, before), after)
        product = before[:4].reshape(2, 2) @ (before[:4] + 1).reshape(2, 2)
        np.testing.assert_array_equal(fetched(driver, z.pointer, before)[:4], product.ravel())
        before = before + 3


def test_what_other_threads_launch_is_not_captured(driver: CupyDriver, cuda: FakeCuda, kernel: Any) -> None:
    x, y = driver.allocate(24), driver.allocate(24)
    driver.zero(x.pointer, 24)
    driver.zero(y.pointer, 24)

    def work() -> None:
        launch(kernel, x.pointer, x.pointer, 1)
        other = threading.Thread(target=launch, args=(kernel, y.pointer, y.pointer, 10))
        other.start()
        other.join()

    replay = Gpu(driver).capture(work)
    for _ in range(3):
        replay.launch()
    assert (fetched(driver, x.pointer, np.empty(6, np.float32)) == 3).all()
    assert (fetched(driver, y.pointer, np.empty(6, np.float32)) == 10).all()


def test_a_python_layers_own_kernels_are_captured(driver: CupyDriver, cuda: FakeCuda) -> None:
    """They go to CuPy's current stream, which has to be the one that captures."""
    streams: list[Any] = []
    Gpu(driver).capture(lambda: streams.append(cuda.current[-1].recording))
    assert streams == [[]]
    assert cuda.current == []


def test_a_failed_capture_leaves_nothing(driver: CupyDriver, kernel: Any, products: FakeCublas) -> None:
    x, matrix = driver.allocate(24), Matrix(0, 2)
    gpu = Gpu(driver)
    with pytest.raises(CaptureError, match="cuBLAS has to be opened"):
        gpu.capture(lambda: driver.gemm((2, 2, 2), matrix, matrix, matrix, dtype="float32"))
    with pytest.raises(CaptureError, match="StreamCapture"):
        gpu.capture(lambda: driver.way(8, 1, 1) and None)
    driver.zero(x.pointer, 24)
    launch(kernel, x.pointer, x.pointer, 1)
    assert (fetched(driver, x.pointer, np.empty(6, np.float32)) == 1).all()


def test_a_workspace_is_taken_in_a_capture_too(driver: CupyDriver, cuda: FakeCuda) -> None:
    """A net's first pass may have been in another thread, which has a workspace of its own."""
    device = GpuDevice(Gpu(driver))
    device.reserve_scratch(100)
    taken: list[int] = []

    def work() -> None:
        taken.append(device.workspace())
        driver.zero(taken[0], 100)

    replay = device.gpu.capture(work)
    assert cuda.mode == 1, "as before"
    found = np.ones(100, np.uint8)
    replay.launch()
    driver.download(found, taken[0])
    assert not found.any()
    with pytest.raises(CaptureError, match="memory would have to be taken"):
        device.gpu.capture(lambda: device.gpu.allocate(8) and None)


def test_a_capture_on_the_second_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy's current stream is kept by GPU, and the first one is current before and after."""
    cuda = FakeCuda(number=1).install(monkeypatch)
    cuda.contexts.add(0)
    driver = CupyDriver(1)
    place = driver.allocate(8)
    Gpu(driver, 1).capture(lambda: driver.zero(place.pointer, 8)).launch()
    assert cuda.current == []
    assert cuda.runtime().getDevice() == 0


@pytest.mark.usefixtures("cuda")
def test_no_garbage_is_collected_in_a_capture(driver: CupyDriver) -> None:
    found: list[bool] = []
    Gpu(driver).capture(lambda: found.append(gc.isenabled()))
    assert (found, gc.isenabled()) == ([False], True)
