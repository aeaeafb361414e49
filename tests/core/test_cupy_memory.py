"""The driver for CuPy takes memory and gives it back; where there is none, it says how much was wanted."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from owlkit.core.gpu import staging
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.gpu import Gpu, OutOfMemoryError
from owlkit.core.tensor import Descriptor, Tensor
from tests.core.on_fake_cuda import fetched
from tests.support.fake_cuda import FakeCuda

RNG = np.random.default_rng(0)


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


def test_what_another_library_has_lent_is_held_until_it_was_read(driver: CupyDriver) -> None:
    class Lent:
        pass

    stream = driver.context.main
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


def test_what_is_held_in_a_capture_is_held_at_its_end(driver: CupyDriver, cuda: FakeCuda) -> None:
    """CUDA refuses to be asked within one what it has done."""
    held: list[str] = ["lent"]
    driver.context.main.queue(lambda: None)
    driver.begin_capture()
    driver.hold(held)
    assert not driver._held
    driver.end_capture()
    assert [owner for _, owner in driver._held] == [held]


class Cell:
    """What streams write to and copy, one operation behind the other."""

    def __init__(self) -> None:
        self.value = 0

    def write(self, stream: Any, value: int) -> None:
        stream.queue(lambda: setattr(self, "value", value))

    def copy(self, stream: Any, source: Cell) -> None:
        stream.queue(lambda: setattr(self, "value", source.value))


def test_work_on_a_users_stream_is_in_order_with_ours(driver: CupyDriver, cuda: FakeCuda) -> None:
    main, ours, theirs, read = driver.context.main, Cell(), Cell(), Cell()
    with driver.at_work(), driver.context.cuda.Stream(non_blocking=True) as stream:
        ours.write(main, 1)
        theirs.write(stream, 2)
        with driver.in_order():
            ours.copy(driver.context.cuda.get_current_stream(), theirs)
        theirs.write(stream, 3)
        read.copy(main, ours)
        ours.write(main, 4)
        stream.synchronize()
    driver.synchronize()
    assert (ours.value, read.value) == (4, 2)


def test_work_in_a_capture_needs_no_order(driver: CupyDriver) -> None:
    """CuPy's current stream is the one that captures; an event of another one would end that."""
    aside = driver.context.aside
    driver.begin_capture()
    with driver.in_order():
        assert driver.context.cuda.get_current_stream() is aside
        aside.queue(lambda: None)
    driver.end_capture()
    assert not driver.context.main.operations


def test_array_over_memory(driver: CupyDriver) -> None:
    buffer = driver.allocate(24 * 4)
    driver.upload(buffer.pointer, np.arange(24, dtype=np.float32))
    driver.synchronize()
    array = driver.array(buffer.pointer, (1, 2, 3, 4), "float32", (96, 4, 32, 8), buffer)
    expected = np.arange(24, dtype=np.float32).reshape(1, 3, 4, 2).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(array, expected)
