"""Prefetching: order, errors, waiting, and threads that end."""

import gc
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from owlkit.io import prefetch
from owlkit.io.prefetch import Prefetcher


def fill(number: int, buffer: list[int]) -> None:
    buffer[:] = [number]


def prefetch_threads() -> int:
    return sum(thread.name.startswith("prefetch") for thread in threading.enumerate())


def test_batches_in_order_from_start() -> None:
    prefetcher: Prefetcher[list[int]] = Prefetcher(fill, [[], [], []], start=4)
    for expected in range(4, 30):
        assert prefetcher.number == expected
        buffer = prefetcher.take()
        assert buffer == [expected]
        prefetcher.give(buffer)
    prefetcher.stop()


def test_runs_ahead_by_its_buffers_only() -> None:
    made: list[int] = []
    prefetcher: Prefetcher[list[int]] = Prefetcher(lambda n, b: made.append(n), [[], []])
    deadline = time.monotonic() + 5
    while len(made) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert made == [0, 1]
    prefetcher.stop()


def test_error_reaches_the_consumer_after_good_batches() -> None:
    def failing(number: int, buffer: list[int]) -> None:
        if number == 2:
            raise ValueError("record 2 is bad")
        buffer[:] = [number]

    prefetcher: Prefetcher[list[int]] = Prefetcher(failing, [[], [], []])
    assert [prefetcher.take(), prefetcher.take()] == [[0], [1]]
    for _ in range(2):
        with pytest.raises(ValueError, match="record 2 is bad"):
            prefetcher.take()
    prefetcher.stop()


def test_waiting_is_counted() -> None:
    prefetcher: Prefetcher[list[int]] = Prefetcher(lambda n, b: time.sleep(0.05), [[]])
    prefetcher.take()
    assert 0.02 < prefetcher.wait_seconds < 5
    prefetcher.stop()


def test_who_finds_no_batch_leaves_the_maker_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, for a moment; who finds one takes it at once."""
    rests: list[float] = []
    go_on = threading.Event()

    def rest(seconds: float) -> None:
        rests.append(seconds)
        go_on.set()

    monkeypatch.setattr(prefetch, "time", SimpleNamespace(perf_counter=time.perf_counter, sleep=rest))
    prefetcher: Prefetcher[list[int]] = Prefetcher(lambda n, b: assert_set(go_on), [[], []])
    prefetcher.take()
    assert rests == [prefetch.REST]
    deadline = time.monotonic() + 5
    while prefetcher._worker.ready.empty() and time.monotonic() < deadline:
        time.sleep(0.001)
    prefetcher.take()
    assert rests == [prefetch.REST]
    prefetcher.stop()


def assert_set(event: threading.Event) -> None:
    assert event.wait(10)


def test_thread_ends_on_stop_and_when_dropped() -> None:
    before = prefetch_threads()
    one: Prefetcher[list[int]] = Prefetcher(fill, [[], []])
    two: Prefetcher[list[int]] = Prefetcher(fill, [[], []])
    assert prefetch_threads() == before + 2
    one.stop()
    one.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        one.take()
    del two
    gc.collect()
    assert prefetch_threads() == before


@pytest.mark.parametrize("after", [0, 1, 5])
def test_light_batches_are_made_when_they_are_wanted(after: int) -> None:
    """From the one after which they are: in order, in the consumer's thread; the maker's ends."""
    threads: list[threading.Thread] = []

    def make(number: int, buffer: list[int]) -> None:
        threads.append(threading.current_thread())
        buffer[:] = [number]

    before = prefetch_threads()
    buffers: list[list[int]] = [[], [], []]
    prefetcher = Prefetcher(make, buffers, start=2, light=lambda: len(threads) >= after)
    for expected in range(2, 12):
        buffer = prefetcher.take()
        assert buffer == [expected]
        assert not prefetcher._alone or len(threads) == expected - 1, "none is made ahead"
        prefetcher.give(buffer)
    here = threading.current_thread()
    assert [thread is here for thread in threads] == [False] * after + [True] * (10 - after)
    assert prefetch_threads() == before
    prefetcher.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        prefetcher.take()


def test_what_goes_wrong_with_a_light_batch_is_raised_and_remembered() -> None:
    def failing(number: int, buffer: list[int]) -> None:
        if number == 1:
            raise ValueError("record 1 is bad")
        if number == 3:
            raise KeyboardInterrupt

    prefetcher: Prefetcher[list[int]] = Prefetcher(failing, [[], []], light=lambda: True)
    prefetcher.give(prefetcher.take())
    for _ in range(2):
        with pytest.raises(ValueError, match="record 1 is bad"):
            prefetcher.take()
    interrupted: Prefetcher[list[int]] = Prefetcher(failing, [[], []], start=3, light=lambda: True)
    with pytest.raises(KeyboardInterrupt):
        interrupted.take()
    assert interrupted.disturbed


def test_interpreter_exits() -> None:
    code = (
        "from owlkit.io.prefetch import Prefetcher\n"
        "p = Prefetcher(lambda n, b: None, [[], []]); p.take()\n"
        "q = Prefetcher(lambda n, b: None, [[], []])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
