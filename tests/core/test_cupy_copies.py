"""The driver for CuPy brings values to the GPU and back in the order of its stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu import staging
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.gpu import Gpu, OutOfMemoryError
from tests.core.on_fake_cuda import fetched
from tests.support.fake_cuda import CUDARuntimeError, Event, FakeCuda

RNG = np.random.default_rng(0)


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


def test_a_way_that_is_dropped_waits_for_its_copy(driver: CupyDriver, cuda: FakeCuda) -> None:
    """Reshaping a data layer drops its lanes, with a batch on its way."""
    way = driver.way(100, 2, 1)
    way.send(1, 0)
    del way
    assert cuda.given_back_early == []


def test_a_way_that_is_dropped_in_a_capture_waits_at_its_end(driver: CupyDriver, cuda: FakeCuda) -> None:
    """Garbage is collected at any moment, also where the thread must not wait."""
    ways = [driver.way(100, 2, 2)]
    ways[0].send(1, 1)
    Gpu(driver).capture(ways.clear)
    assert cuda.given_back_early == []
    assert cuda.used["pinned"] >= 100  # the stand-in counts it for ever


def test_a_way_for_which_there_is_too_little_memory(driver: CupyDriver, cuda: FakeCuda) -> None:
    cuda.limit = cuda.used["device"] + (1 << 20)
    with pytest.raises(OutOfMemoryError, match=r"0\.00105 of 0\.00105 GB free, and 0\.0021 GB more"):
        Gpu(driver).way(1 << 20, 4, 2)
