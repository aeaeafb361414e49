"""The driver for CuPy against CUDA's rules: a stand-in for CuPy whose streams run as late as they may."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu import context as cuda_context
from owlkit.core.gpu import cublas, staging
from owlkit.core.gpu import gpu as gpus
from owlkit.core.gpu.compiling import whole_source
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Matrix
from owlkit.core.gpu.gpu import CaptureError, Gpu, OutOfMemoryError
from owlkit.core.tensor import Descriptor, Tensor
from tests.support.emulated_gpu.driver import at
from tests.support.fake_cublas import FakeCublas
from tests.support.fake_cuda import CUDARuntimeError, Event, FakeCuda

RNG = np.random.default_rng(0)


@pytest.fixture(params=[False, True], ids=["main ahead", "main behind"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    return FakeCuda(newest_first=request.param).install(monkeypatch)


@pytest.fixture
def driver(cuda: FakeCuda) -> CupyDriver:
    return CupyDriver(0)


@pytest.fixture
def products(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> FakeCublas:
    library = FakeCublas(lambda stream, work: cuda.streams[stream].queue(work))
    monkeypatch.setattr(cublas, "load", lambda version: library)
    return library


def fetched(driver: CupyDriver, pointer: int, array: np.ndarray) -> np.ndarray:
    found = np.empty_like(array)
    driver.download(found, pointer)
    return found


# -- copies
@pytest.mark.parametrize("count", [1, 100, staging.SMALL, staging.SMALL + 1, 3 * staging.PIECE + 5])
def test_upload_and_download(driver: CupyDriver, count: int) -> None:
    source = RNG.integers(0, 255, count).astype(np.uint8)
    buffer, expected = driver.allocate(count), source.copy()
    driver.upload(buffer.pointer, source)
    source[...] = 0  # the source may change as soon as upload returns
    np.testing.assert_array_equal(fetched(driver, buffer.pointer, source), expected)


def test_what_is_read_later_is_as_it_was_in_the_order_of_the_stream(driver: CupyDriver) -> None:
    source = RNG.integers(0, 255, 12).astype(np.uint8)
    buffer = driver.allocate(source.size)
    driver.upload(buffer.pointer, source)
    readings = [driver.read_later(buffer.pointer, source.size) for _ in range(2)]
    driver.zero(buffer.pointer, source.size)
    np.testing.assert_array_equal(readings[0].wait(), source)
    again = driver.read_later(buffer.pointer, source.size)  # in the pinned memory of the first
    np.testing.assert_array_equal(again.wait(), 0 * source)
    np.testing.assert_array_equal(readings[1].wait(), source)


def test_a_reading_that_nobody_waits_for_keeps_its_place(driver: CupyDriver, cuda: FakeCuda) -> None:
    """As that of the iteration after a loss that is not finite: its copy is still under way."""
    buffer, pinned = driver.allocate(8), cuda.used["pinned"]
    for value in range(3):
        driver.upload(buffer.pointer, np.full(8, value, np.uint8))
        reading = driver.read_later(buffer.pointer, 8)
        if value == 0:
            del reading
            assert cuda.given_back_early == []
    assert (reading.wait() == 2).all()
    assert len(driver._readings.free) == 3
    driver.read_later(buffer.pointer, 8).wait()
    assert len(driver._readings.free) == 3, "used again"
    assert cuda.used["pinned"] - pinned == 6 * staging.SMALL, "three for readings, three for uploads"


def test_an_error_before_a_reading_is_explained(driver: CupyDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(event: Event) -> None:
        raise CUDARuntimeError(700, "cudaErrorIllegalAddress: an illegal memory access was encountered")

    reading = driver.read_later(driver.allocate(8).pointer, 8)
    monkeypatch.setattr(Event, "synchronize", fails)
    with pytest.raises(DeviceError, match=r"GPU 0: cudaErrorIllegalAddress"):
        reading.wait()


@pytest.mark.parametrize("count", [100, staging.SMALL * 2])
def test_an_upload_waits_for_what_reads_the_place(driver: CupyDriver, count: int) -> None:
    """Iteration by iteration an input is written over, while the one before is still being computed on."""
    place, kept = driver.allocate(count), [driver.allocate(count) for _ in range(5)]
    for i, buffer in enumerate(kept):
        driver.upload(place.pointer, np.full(count, i, np.uint8))
        driver.copy(buffer.pointer, place.pointer, count)
    for i, buffer in enumerate(kept):
        assert (fetched(driver, buffer.pointer, np.empty(count, np.uint8)) == i).all()


def test_more_uploads_than_fit_at_once(
    driver: CupyDriver, cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PIECE", 100), ("SMALL", 10), ("MOST_PIECES", 3), ("MOST_SMALL", 2)):
        monkeypatch.setattr(staging, name, value)
    driver = CupyDriver(0)
    before = dict(cuda.used)
    small, large = driver.allocate(10), driver.allocate(1010)
    for i in range(20):
        source = RNG.integers(0, 255, 1010).astype(np.uint8)
        driver.upload(small.pointer, np.full(10, i, np.uint8))
        driver.upload(large.pointer, source)
    np.testing.assert_array_equal(fetched(driver, large.pointer, source), source)
    assert (fetched(driver, small.pointer, np.empty(10, np.uint8)) == 19).all()
    assert cuda.used["pinned"] - before["pinned"] in (3 * 100 + 10, 3 * 100 + 2 * 10)
    assert cuda.used["device"] - before["device"] == 3 * 100 + 10 + 1010


def test_zero_and_copy_in_order(driver: CupyDriver) -> None:
    x, y = driver.allocate(64), driver.allocate(64)
    driver.upload(x.pointer, np.arange(64, dtype=np.uint8))
    driver.copy(y.pointer, x.pointer, 64)
    driver.zero(x.pointer, 32)
    np.testing.assert_array_equal(fetched(driver, y.pointer, np.empty(64, np.uint8)), np.arange(64))
    assert fetched(driver, x.pointer, np.empty(64, np.uint8)).sum() == sum(range(32, 64))


def test_a_download_waits_for_its_own_copy_only(
    driver: CupyDriver, cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads queue on while one waits."""
    source = driver.allocate(8)
    driver.upload(source.pointer, np.arange(8, dtype=np.uint8))
    record, queued = Event.record, []

    def and_then_more(event: Event, stream: Any) -> None:
        record(event, stream)
        stream.queue(lambda: None)
        queued.append(stream.operations[-1])

    monkeypatch.setattr(Event, "record", and_then_more)
    assert (fetched(driver, source.pointer, np.empty(8, np.uint8)) == np.arange(8)).all()
    assert queued[0] in cuda.streams[driver.stream].operations


# -- ways
def test_a_way_that_is_dropped_waits_for_its_copy(driver: CupyDriver, cuda: FakeCuda) -> None:
    """Reshaping a data layer drops its lanes, with a batch on its way."""
    way = driver.way(100)
    way.send()
    del way
    assert cuda.given_back_early == []


def test_a_way_that_is_dropped_in_a_capture_waits_at_its_end(driver: CupyDriver, cuda: FakeCuda) -> None:
    """Garbage is collected at any moment, also where the thread must not wait."""
    ways = [driver.way(100)]
    ways[0].send()
    Gpu(driver).capture(ways.clear)
    assert cuda.given_back_early == []
    assert cuda.used["pinned"] >= 100  # the stand-in counts it for ever


def test_a_way_for_which_there_is_too_little_memory(driver: CupyDriver) -> None:
    with pytest.raises(OutOfMemoryError, match=r"1\.07 of 1\.07 GB free, and 2\.15 GB more"):
        Gpu(driver).way(2 << 30)


# -- memory
def test_memory_goes_back_and_its_end_is_an_error(driver: CupyDriver, cuda: FakeCuda) -> None:
    gpu = Gpu(driver)
    buffer = gpu.allocate(1 << 29)
    assert driver.memory() == (1 << 29, 1 << 30)
    with pytest.raises(OutOfMemoryError, match=r"0\.537 of 1\.07 GB free, and 0\.859 GB more"):
        gpu.allocate(int(1.6 * 2**29))
    del buffer
    gpu.allocate(int(1.6 * 2**29))


def test_a_limit_set_in_cupys_pool_holds(driver: CupyDriver, cuda: FakeCuda) -> None:
    cuda.limit = 1000
    with pytest.raises(OutOfMemoryError) as caught:
        Gpu(driver).allocate(2000)
    assert (caught.value.wanted, caught.value.free, caught.value.total) == (2000, 1000, 1000)


def test_too_little_memory_without_a_pool(driver: CupyDriver, cuda: FakeCuda) -> None:
    cuda.without_pool = True
    with pytest.raises(OutOfMemoryError, match=r"2\.15 GB more"):
        Gpu(driver).allocate(2 << 30)


def test_uploads_go_on_where_the_gpu_is_almost_full(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "PIECE", 100)
    monkeypatch.setattr(staging, "SMALL", 10)
    driver = CupyDriver(0)
    target, source = driver.allocate(1000), RNG.integers(0, 255, 1000).astype(np.uint8)
    cuda.limit = cuda.used["device"] + 250  # two pieces
    driver.upload(target.pointer, source)
    np.testing.assert_array_equal(fetched(driver, target.pointer, source), source)


def test_an_upload_for_which_there_is_no_memory_at_all(driver: CupyDriver, cuda: FakeCuda) -> None:
    gpu, tensor = Gpu(driver), Tensor(Descriptor((staging.SMALL,)))
    mirror = gpu.mirror(tensor.memory)
    cuda.limit = cuda.used["device"] + 100
    with pytest.raises(OutOfMemoryError, match=r"0\.000262 GB more"):
        mirror.to_device(reads=True, writes=False)


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


def test_what_another_library_has_lent_is_held_until_it_was_read(driver: CupyDriver, cuda: FakeCuda) -> None:
    class Lent:
        pass

    stream = driver.context.cuda.get_current_stream()
    kept = []
    for _ in range(2):
        stream.queue(lambda: None)  # the copy
        lent = Lent()
        kept.append(weakref.ref(lent))
        driver.hold(lent)
        del lent
    assert [ref() is not None for ref in kept] == [True, True]
    stream.synchronize()
    driver.synchronize()
    assert [ref() for ref in kept] == [None, None]


def test_array_over_memory(driver: CupyDriver) -> None:
    buffer = driver.allocate(24 * 4)
    driver.upload(buffer.pointer, np.arange(24, dtype=np.float32))
    driver.synchronize()
    array = driver.array(buffer.pointer, (1, 2, 3, 4), "float32", (96, 4, 32, 8), buffer)
    expected = np.arange(24, dtype=np.float32).reshape(1, 3, 4, 2).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(array, expected)


# -- kernels
def add(parameters: int) -> Callable[[], None]:
    """KERNEL add(int n, IN(float) x, OUT(float) y, float by)"""
    places = (ctypes.c_void_p * 4).from_address(parameters)
    n = ctypes.c_int.from_address(places[0]).value
    x, y = (ctypes.c_uint64.from_address(place).value for place in places[1:3])
    by = ctypes.c_float.from_address(places[3]).value

    def work() -> None:
        at(y, n * 4).view(np.float32)[...] = at(x, n * 4).view(np.float32) + np.float32(by)

    return work


@pytest.fixture
def kernel(driver: CupyDriver, cuda: FakeCuda) -> Any:
    cuda.kernels[77] = ("add", add)
    return driver.compile("KERNEL add(...)", {"T": "float", "A": "float"}, ["add"])["add"]


def launch(kernel: Any, x: int, y: int, by: float, shared: int = 0) -> None:
    args = (np.int32(6), np.uint64(x), np.uint64(y), np.float32(by))
    kernel((2, 1, 1), (32, 1, 1), args, shared)


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


# -- products
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("turns", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
@pytest.mark.parametrize("stack", [1, 3])
@pytest.mark.usefixtures("products")
def test_gemm(driver: CupyDriver, dtype: str, turns: tuple[int, int, int], stack: int) -> None:
    m, n, k, gap = 3, 4, 5, 2
    real = np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    shapes, buffers, matrices, arrays = ((m, k), (k, n), (m, n)), [], [], []
    for shape, turned in zip(shapes, turns, strict=True):
        rows, width = (shape[1], shape[0]) if turned else shape
        whole = RNG.standard_normal((stack, rows, width + gap)).astype(real)
        buffers.append(driver.allocate(whole.nbytes))
        driver.upload(buffers[-1].pointer, whole)
        pitch = width + gap
        matrices.append(Matrix(buffers[-1].pointer, pitch, bool(turned), rows * pitch))
        seen = whole[:, :, :width]
        arrays.append((seen.swapaxes(1, 2) if turned else seen).astype(np.float64))
    driver.gemm((m, n, k), *matrices, dtype=dtype, beta=0.5, stack=stack)
    rows, width = (n, m) if turns[2] else (m, n)
    found = fetched(driver, buffers[2].pointer, np.empty((stack, rows, width + gap), real))[:, :, :width]
    result = (found.swapaxes(1, 2) if turns[2] else found).astype(np.float64)
    tolerance = {"float32": 1e-5, "float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}[dtype]
    np.testing.assert_allclose(result, arrays[0] @ arrays[1] + 0.5 * arrays[2], tolerance, 4 * tolerance)


def test_gemm_rounds_to_tf32_only_when_asked(driver: CupyDriver, products: FakeCublas) -> None:
    x = driver.allocate(64)
    for dtype, tf32 in (("float32", False), ("float32", True), ("float64", True), ("float16", True)):
        matrix = Matrix(x.pointer, 2)
        driver.gemm((2, 2, 2), matrix, matrix, matrix, dtype=dtype, tf32=tf32)
    assert products.kinds == [68, 77, 70, 68]
    assert all(handle["mode"] == 16 for handle in products.handles.values()), "sums in float32"


def test_what_cublas_refuses_is_an_error(driver: CupyDriver, products: FakeCublas) -> None:
    x = driver.allocate(64)
    bad, good = Matrix(x.pointer, 1), Matrix(x.pointer, 2)
    with pytest.raises(DeviceError, match=r"cublasGemmEx: an unsupported value \(7\)"):
        driver.gemm((2, 2, 2), bad, good, good, dtype="float32")
    with pytest.raises(CaptureError, match=r"cannot be captured: cublasGemmEx"):
        Gpu(driver).capture(lambda: driver.gemm((2, 2, 2), bad, good, good, dtype="float32"))
    driver.gemm((0, 2, 2), good, good, good, dtype="float32")
    driver.gemm((2, 2, 2), good, good, good, dtype="float32", stack=0)
    assert products.kinds == []


@pytest.mark.usefixtures("products")
def test_no_memory_for_cublas(driver: CupyDriver, cuda: FakeCuda) -> None:
    matrix = Matrix(driver.allocate(64).pointer, 2)
    cuda.limit = cuda.used["device"] + 1000
    with pytest.raises(OutOfMemoryError, match=r"0\.0336 GB more"):
        driver.gemm((2, 2, 2), matrix, matrix, matrix, dtype="float32")


def test_no_cublas() -> None:
    with pytest.raises(DeviceError, match=r"libcublas\.so\.7.*pip install nvidia-cublas-cu7"):
        cublas.load(7)


# -- CUDA graphs
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
        gpu.capture(lambda: driver.way(8) and None)
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


# -- what there is
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
