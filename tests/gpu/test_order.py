"""What keeps work in order: waits between streams, memory that is still read, what a capture may meet.

Nothing waits by chance on an imagined GPU (`tests.support.imagined_cuda`): there a missing wait shows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.blob import Blob
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.staging import MOST_PIECES, MOST_SMALL, PIECE
from tests.support import gpu

pytestmark = pytest.mark.gpu
SIZE = 4096  # bytes
LARGE = 64 << 20


@pytest.fixture
def driver(device: GpuDevice) -> Any:
    return device.gpu.driver


@pytest.fixture
def cupy() -> Any:
    if not gpu.is_real():
        pytest.skip("CuPy's arrays lie on a GPU")
    return pytest.importorskip("cupy")


def bytes_at(driver: Any, pointer: int, count: int = SIZE) -> set[int]:
    """Which values lie there."""
    found = np.empty(count, np.uint8)
    driver.download(found, pointer)
    return set(found.tolist())


# -- a way
@pytest.mark.also_emulated
def test_a_buffer_is_filled_again_when_it_was_received_from(driver: Any) -> None:
    way, x, y = driver.way(SIZE, 2, 1), driver.allocate(SIZE), driver.allocate(SIZE)
    for host, target in enumerate((x, y)):
        way.hosts[host][:] = host + 1
        way.send(host, 0)
        way.receive(host, 0, [(target.pointer, 0, SIZE)])
    way.wait(1)
    assert (bytes_at(driver, x.pointer), bytes_at(driver, y.pointer)) == ({1}, {2})


@pytest.mark.also_emulated
def test_pinned_memory_is_written_again_when_it_was_read(driver: Any) -> None:
    way, x = driver.way(SIZE, 1, 1), driver.allocate(SIZE)
    way.hosts[0][:] = 1
    way.send(0, 0)
    way.wait(0)
    way.hosts[0][:] = 2
    way.receive(0, 0, [(x.pointer, 0, SIZE)])
    assert bytes_at(driver, x.pointer) == {1}


@pytest.mark.also_emulated
@pytest.mark.parametrize("sent_again", [False, True])
def test_the_memory_of_a_way_that_was_dropped_may_still_be_read(driver: Any, sent_again: bool) -> None:
    """Its pinned memory by the copy to the GPU, its buffer by what was queued to receive from it."""
    x, way = driver.allocate(SIZE), driver.way(SIZE, 1, 1)
    way.hosts[0][:] = 1
    way.send(0, 0)
    way.receive(0, 0, [(x.pointer, 0, SIZE)])
    del way
    another = driver.way(SIZE, 1, 1)
    another.hosts[0][:] = 2
    if sent_again:
        another.send(0, 0)
        another.wait(0)
    assert bytes_at(driver, x.pointer) == {1}


# -- uploads
@pytest.mark.also_emulated
@pytest.mark.parametrize(("size", "count"), [(64, 3 * MOST_SMALL), (PIECE, MOST_PIECES + 2)])
def test_more_uploads_than_are_under_way_at_once(driver: Any, size: int, count: int) -> None:
    all_of_them = driver.allocate(size * count)
    for number in range(count):
        driver.upload(all_of_them.pointer + number * size, np.full(size, number % 251, np.uint8))
    for number in range(count):
        assert bytes_at(driver, all_of_them.pointer + number * size, 16) == {number % 251}


def test_an_upload_takes_no_memory_that_is_still_read(cupy: Any) -> None:
    """CuPy gives back what its default stream has yet to read."""
    driver = CupyDriver()  # one that has taken nothing yet
    given, kept, target = cupy.full(PIECE, 1, "uint8"), driver.allocate(SIZE), driver.allocate(PIECE)
    cupy.cuda.runtime.memcpyAsync(
        kept.pointer, given.data.ptr, SIZE, cupy.cuda.runtime.memcpyDeviceToDevice, 0
    )
    del given
    driver.upload(target.pointer, np.full(PIECE, 2, np.uint8))
    assert (bytes_at(driver, target.pointer), bytes_at(driver, kept.pointer)) == ({2}, {1})


# -- streams of others
def test_memory_that_is_still_read_goes_to_no_stream_of_a_user(cupy: Any, driver: Any) -> None:
    kept = driver.allocate(SIZE)
    with cupy.cuda.Stream(non_blocking=True) as theirs:
        ours = driver.allocate(SIZE)
        driver.zero(ours.pointer, SIZE)
        driver.synchronize()
        driver.copy(kept.pointer, ours.pointer, SIZE)
        del ours
        cupy.full(SIZE, 2, "uint8")
        theirs.synchronize()
    assert bytes_at(driver, kept.pointer) == {0}


def test_the_default_stream_is_in_order(cupy: Any, device: GpuDevice) -> None:
    blob = Blob((3, 4), name="b")
    blob.data[...] = 1
    device.gpu.pointer(blob.data_tensor, reads=True, writes=True)
    array = blob.device_data
    array *= 2
    assert (blob.data == 2).all()


def test_a_stream_of_a_user_waits_for_what_is_queued(cupy: Any, device: GpuDevice) -> None:
    blob = Blob((3, 4), name="b")
    device.gpu.pointer(blob.data_tensor, reads=True, writes=True)
    with cupy.cuda.Stream(non_blocking=True):
        blob.copy_from(np.full((3, 4), 5, np.float32))
        device.gpu.pointer(blob.data_tensor, reads=True, writes=True)
        found = cupy.asnumpy(blob.device_data)
    assert (found == 5).all()


def test_what_is_copied_from_is_kept_until_it_was_read(cupy: Any, device: GpuDevice) -> None:
    """Its owner may drop it at once, and use the memory again on a stream of his own."""
    blob, theirs = Blob((3, 4), name="b"), cupy.cuda.Stream(non_blocking=True)
    device.gpu.pointer(blob.data_tensor, reads=True, writes=True)
    with theirs:
        source = cupy.full((3, 4), 3, "float32")
    theirs.synchronize()
    blob.copy_from(source)
    del source
    with theirs:
        cupy.full((3, 4), 4, "float32")
    theirs.synchronize()
    assert (blob.data == 3).all()


# -- captures
@contextmanager
def capture(driver: Any) -> Iterator[list[Any]]:
    """Gets the replay when it ends."""
    made: list[Any] = []
    driver.begin_capture()
    try:
        yield made
    finally:
        made.append(driver.end_capture())


@pytest.mark.also_emulated
def test_memory_is_taken_during_a_capture(driver: Any) -> None:
    """By the thread that captures, and by another one."""
    taken: list[Any] = []
    x = driver.allocate(SIZE)
    if gpu.is_real():
        pytest.importorskip("cupy").get_default_memory_pool().free_all_blocks()
    with capture(driver) as made:
        driver.zero(x.pointer, SIZE)
        taken.append(driver.allocate(LARGE))
        thread = threading.Thread(target=lambda: taken.append(driver.allocate(LARGE)))
        thread.start()
        thread.join()
    assert len(taken) == 2
    driver.upload(x.pointer, np.ones(SIZE, np.uint8))
    made[0].launch()
    assert bytes_at(driver, x.pointer) == {0}


def test_what_cupy_queues_is_captured_too(cupy: Any, driver: Any) -> None:
    array = cupy.zeros(8, "float32")
    array += 1  # compiled before
    with capture(driver) as made:
        array += 1
    for _ in range(3):
        made[0].launch()
    driver.synchronize()
    assert (array.get() == 4).all()


# -- two GPUs
def test_the_gpu_that_was_current_is_so_again(cupy: Any, driver: Any) -> None:
    runtime = cupy.cuda.runtime
    if runtime.getDeviceCount() < 2:
        pytest.skip("this machine has one GPU")
    runtime.setDevice(0)
    other = owlkit.gpu(1).gpu.driver
    there = other.allocate(SIZE)
    other.zero(there.pointer, SIZE)
    assert bytes_at(other, there.pointer) == {0}
    assert runtime.getDevice() == 0
    assert runtime.pointerGetAttributes(there.pointer).device == 1
    here = driver.allocate(SIZE)
    assert runtime.pointerGetAttributes(here.pointer).device == 0
