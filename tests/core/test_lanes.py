"""Batches on their way to a GPU: more of them than buffers there, and no buffer is written over too early.

On the stand-in for CUDA, whose streams run as late as they may, and on that for a GPU.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from owlkit.core.device import resolve_device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu import lane as lanes_module
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.gpu import Gpu
from owlkit.core.gpu.lane import BUFFERS, make_lanes
from owlkit.core.lane import Lane
from owlkit.core.tensor import Descriptor, Tensor
from tests.support import emulated_gpu
from tests.support.fake_cuda import FakeCuda

AHEAD, BATCHES = 5, 13
IMAGES, LABELS = Descriptor((3, 2, 3, 3), "float32", True), Descriptor((3,))

needs_compiler = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
STAND_IN = pytest.param("stand-in", marks=needs_compiler)


@pytest.fixture(params=["main ahead", "main behind", STAND_IN])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Gpu:
    if request.param == "stand-in":
        return emulated_gpu.emulated_device().gpu
    FakeCuda(newest_first=request.param == "main behind").install(monkeypatch)
    return Gpu(CupyDriver(0))


def write(lane: Lane, number: int) -> None:
    """What the maker does with batch `number`."""
    lane.wait()
    lane.arrays[0][...], lane.arrays[1][...] = number + 1, -number - 1
    lane.send()


def received(gpu: Gpu, lanes: list[Lane], ahead: Callable[[int], int]) -> list[float]:
    """What came of `BATCHES` batches: of images and labels whatever all values agree in, else NaN.

    ahead : batch that is received -> batches that the maker has made by then. Work that is queued behind each
    still reads its place when the next arrives.
    """
    x, y = Tensor(IMAGES), Tensor(LABELS)
    kept = [gpu.allocate(IMAGES.nbytes + LABELS.nbytes) for _ in range(BATCHES)]
    made = 0
    for number, place in enumerate(kept):
        while made < min(ahead(number), BATCHES):
            write(lanes[made % len(lanes)], made)
            made += 1
        lanes[number % len(lanes)].receive((x, y))
        for tensor, start in ((x, 0), (y, IMAGES.nbytes)):
            source = gpu.pointer(tensor, reads=True, writes=False)
            gpu.driver.copy(place.pointer + start, source, tensor.descriptor.nbytes)
    return [_value(gpu, place.pointer) for place in kept]


def _value(gpu: Gpu, pointer: int) -> float:
    found = np.empty(IMAGES.count + LABELS.count, np.float32)
    gpu.driver.download(found.view(np.uint8), pointer)
    found[IMAGES.count :] *= -1
    return float(found[0]) if (found == found[0]).all() else float("nan")


EXPECTED = [number + 1.0 for number in range(BATCHES)]
PACES: dict[str, Callable[[int], int]] = {
    "as far ahead as it may": lambda number: number + AHEAD,
    "one ahead": lambda number: number + 1,
    "in bursts": lambda number: (number // AHEAD + 1) * AHEAD,
}


@pytest.mark.parametrize("pace", PACES)
def test_batches_come_whole_and_in_order(gpu: Gpu, pace: str) -> None:
    lanes = make_lanes(gpu, (IMAGES, LABELS), AHEAD)
    assert received(gpu, lanes, PACES[pace]) == EXPECTED


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_batches_ahead(gpu: Gpu, count: int) -> None:
    lanes = make_lanes(gpu, (IMAGES, LABELS), count)
    assert received(gpu, lanes, lambda number: number + count) == EXPECTED


@pytest.mark.parametrize("gpu", ["main behind", STAND_IN], indirect=True)
def test_a_buffer_that_is_written_over_before_it_was_received_is_seen(gpu: Gpu) -> None:
    """Planted: the lanes believe that there are more buffers."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), AHEAD)
    lanes[0]._crossing._free.extend(range(BUFFERS))
    assert received(gpu, lanes, PACES["as far ahead as it may"]) != EXPECTED


def test_memory_that_is_written_over_before_it_was_sent_is_seen(
    gpu: Gpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the maker does not wait, and its memory is lent again as soon as a copy was begun."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), 1)
    monkeypatch.setattr(lanes[0]._crossing.way, "wait", lambda host: None)
    write(lanes[0], 0)
    lanes[0].arrays[0][...] = 7
    x, y = Tensor(IMAGES), Tensor(LABELS)
    lanes[0].receive((x, y))
    assert (x.peek() == 7).all()


@pytest.mark.parametrize("gpu", ["main behind"], indirect=True)
def test_a_copy_that_does_not_wait_for_its_buffer_is_seen(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a copy over the bus is made, whatever is to read the buffer still."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), AHEAD)
    monkeypatch.setattr(lanes[0]._crossing.way._stream, "wait_event", lambda event: None)
    assert received(gpu, lanes, PACES["as far ahead as it may"]) != EXPECTED


@pytest.mark.parametrize("gpu", ["main ahead"], indirect=True)
def test_a_batch_that_is_received_before_it_arrived_is_seen(
    gpu: Gpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: who trains does not wait for the copy."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), AHEAD)
    monkeypatch.setattr(gpu.driver.context.main, "wait_event", lambda event: None)  # type: ignore[attr-defined]
    assert received(gpu, lanes, PACES["as far ahead as it may"]) != EXPECTED


def test_two_buffers_on_the_gpu_for_many_batches(driver: CupyDriver, cuda: FakeCuda) -> None:
    before = dict(cuda.used)
    lanes = make_lanes(Gpu(driver), (IMAGES, LABELS), AHEAD)
    room = lanes_module.nbytes_of((IMAGES, LABELS))
    assert cuda.used["device"] - before["device"] == BUFFERS * room
    assert lanes_module.nbytes_on_gpu((IMAGES, LABELS), AHEAD) == BUFFERS * room
    assert cuda.used["pinned"] - before["pinned"] == AHEAD * room
    assert len(lanes) == AHEAD


def test_who_trains_queues_one_wait_and_a_copy_for_each_blob(driver: CupyDriver, cuda: FakeCuda) -> None:
    """Where the maker keeps ahead, it is the one who sends."""
    gpu = Gpu(driver)
    lanes = make_lanes(gpu, (IMAGES, LABELS), AHEAD)
    x, y = Tensor(IMAGES), Tensor(LABELS)
    for number in range(AHEAD):
        write(lanes[number], number)
    lanes[0].receive((x, y))
    bus, main = lanes[0]._crossing.way._stream, driver.context.main  # type: ignore[attr-defined]
    for number in range(1, BATCHES):
        write(lanes[(number - 1) % AHEAD], AHEAD + number - 1)
        waiting = len(bus.operations), len(main.operations)
        lanes[number % AHEAD].receive((x, y))
        assert len(bus.operations) == waiting[0]
        assert len(main.operations) == waiting[1] + 4, "a wait, two copies, an event"


def test_a_batch_that_waits_is_sent_by_who_wants_it(gpu: Gpu) -> None:
    """The maker is busy with a slow one, and several are made."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), 4)
    x, y = Tensor(IMAGES), Tensor(LABELS)
    for number in range(4):
        write(lanes[number], number)
    assert [buffer is not None for buffer in lanes[0]._crossing.buffers] == [True, True, False, False]
    for number in range(4):
        lanes[number].receive((x, y))
        assert (x.peek() == number + 1).all()
        assert (y.peek() == -number - 1).all()


def test_the_maker_sends_before_it_makes_the_next_batch(gpu: Gpu) -> None:
    """What has found a buffer since: while it makes a batch, the one before is on its way."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), 3)
    for number in range(3):
        write(lanes[number], number)
    lanes[0].receive((Tensor(IMAGES), Tensor(LABELS)))
    assert lanes[0]._crossing.buffers[2] is None
    lanes[0].wait()
    assert lanes[0]._crossing.buffers[2] is not None


@pytest.mark.parametrize("lasts", [True, False], ids=["for good", "once"])
def test_what_fails_while_the_maker_sends_an_earlier_batch_is_told_who_wants_that(
    gpu: Gpu, monkeypatch: pytest.MonkeyPatch, lasts: bool
) -> None:
    """An error in a kernel shows at any later call, and in whichever thread makes it."""
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), 3)
    x, y = Tensor(IMAGES), Tensor(LABELS)
    for number in range(3):
        write(lanes[number], number)
    lanes[0].receive((x, y))
    with monkeypatch.context() as broken:
        broken.setattr(lanes[0]._crossing.way, "send", failing)
        with pytest.raises(DeviceError, match="illegal address"):
            lanes[0].wait()  # where batch 2 is sent, which is made and will be asked for
        lanes[1].receive((x, y))
        if lasts:
            with pytest.raises(DeviceError, match="illegal address"):
                lanes[2].receive((x, y))
            return
    lanes[2].receive((x, y))
    assert (x.peek() == 3).all()


def failing(host: int, buffer: int) -> None:
    raise DeviceError("illegal address")


@pytest.mark.parametrize("gpu", ["main behind"], indirect=True)
def test_buffers_are_not_filled_before_what_was_queued_when_they_were_taken(gpu: Gpu) -> None:
    """The pool may lend those of lanes that were dropped, from which a batch is still to be received."""
    reads: list[str] = []
    gpu.driver.context.main.queue(lambda: reads.append("done"))  # type: ignore[attr-defined]
    lanes = make_lanes(gpu, (IMAGES, LABELS), 2)
    write(lanes[0], 0)
    lanes[0].wait()
    assert reads == ["done"]


@pytest.mark.parametrize("gpu", [STAND_IN], indirect=True)
def test_lanes_that_are_dropped_give_their_memory_back_at_once(gpu: Gpu) -> None:
    """With batches that wait, too, as wherever a net is put back to another position."""
    driver: Any = gpu.driver
    before = driver.used
    lanes: Any = make_lanes(gpu, (IMAGES, LABELS), 4)
    assert driver.used > before
    gc.disable()
    try:
        for number in range(4):
            write(lanes[number], number)
        del lanes
        assert driver.used == before
    finally:
        gc.enable()


def test_what_was_not_sent_is_not_received(gpu: Gpu) -> None:
    lanes = make_lanes(gpu, (IMAGES, LABELS), 2)
    with pytest.raises(AssertionError, match="before it was sent"):
        lanes[0].receive((Tensor(IMAGES), Tensor(LABELS)))


def test_a_lane_on_a_cpu() -> None:
    device = resolve_device("cpu")
    lanes = device.lanes((IMAGES, LABELS), 2)
    assert device.lane_bytes((IMAGES, LABELS), 2) == 0, "of its own memory, beside the host's"
    x, y = Tensor(IMAGES), Tensor(LABELS)
    for number in range(3):
        write(lanes[number % 2], number)
        lanes[number % 2].receive((x, y))
        assert (x.array == number + 1).all()
        assert (y.array == -number - 1).all()
