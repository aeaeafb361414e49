"""Work shared by threads: every part once, errors raised."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from owlkit.kernels import threads


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_parts_cover_everything_once(length: int, count: int) -> None:
    seen = np.zeros(length, int)

    def mark(start: int, stop: int) -> None:
        assert start < stop
        seen[start:stop] += 1

    threads.share(length, 0, mark, threads=count)
    assert (seen == 1).all()


def test_parts_run_at_once() -> None:
    """Each part waits for the others; one after another they would wait for ever."""
    met = threading.Barrier(3, timeout=20)
    threads.share(3, 0, lambda start, stop: met.wait() and None, threads=3)
    assert not met.broken


def test_little_work_stays_in_the_calling_thread() -> None:
    calls: list[tuple[int, int, int]] = []
    here = threading.get_ident()
    threads.share(10, 10, lambda start, stop: calls.append((start, stop, threading.get_ident())))
    assert calls == [(0, 10, here)]


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_an_exception_is_raised_after_all_parts_have_ended(wrong: int) -> None:
    ended: list[int] = []

    def fail(start: int, stop: int) -> None:
        ended.append(start)
        if start == wrong:
            raise ValueError(f"part {start}")

    with pytest.raises(ValueError, match=f"part {wrong}"):
        threads.share(3, 0, fail, threads=3)
    assert sorted(ended) == [0, 1, 2]
    threads.share(3, 0, lambda start, stop: ended.append(start), threads=3)
    assert len(ended) == 6


def test_the_error_state_of_numpy_is_the_callers() -> None:
    x = np.zeros(2)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        threads.share(2, 0, lambda start, stop: np.divide(1, x[start:stop]), threads=2)
    with np.errstate(divide="ignore"):
        threads.share(2, 0, lambda start, stop: np.divide(1, x[start:stop], out=x[start:stop]), threads=2)
    assert np.isinf(x).all()


def test_work_within_work_does_not_wait_for_itself() -> None:
    seen = np.zeros((2, 4), int)

    def outer(start: int, stop: int) -> None:
        for row in range(start, stop):
            threads.share(4, 0, lambda a, b, row=row: seen[row, a:b].__iadd__(1), threads=2)

    threads.share(2, 0, outer, threads=2)
    assert (seen == 1).all()


def test_as_many_threads_as_onednn() -> None:
    assert 1 <= threads.count() <= 4096
