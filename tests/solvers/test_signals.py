"""Ctrl-C while something must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from owlkit.solvers.signals import hold_interrupts


@pytest.fixture(autouse=True)
def pythons_own() -> Iterator[None]:
    """The handler of a Python that nobody has told otherwise, as before and as after each of these tests."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    yield
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    assert found is signal.default_int_handler


def pressed(times: int, done: list[str], error: Exception | None = None) -> None:
    with hold_interrupts() as held:
        for number in range(times):
            signal.raise_signal(signal.SIGINT)
            done.append(f"{number} {held.pending}")
        if error is not None:
            raise error


@pytest.mark.parametrize(("times", "expected"), [(1, ["0 True"]), (2, ["0 True"])])
def test_it_is_raised_at_the_end_a_second_one_at_once(times: int, expected: list[str]) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        pressed(times, done)
    assert done == expected


def test_without_one_nothing_is_raised() -> None:
    with hold_interrupts() as held:
        assert not held.pending


def test_an_error_goes_before_it() -> None:
    with pytest.raises(ValueError, match="of the block"):
        pressed(1, [], ValueError("of the block"))


def test_within_another_block_the_outer_one_holds_it() -> None:
    done: list[str] = []

    def block() -> None:
        with hold_interrupts() as outer:
            pressed(1, done)
            done.append(f"outer {outer.pending}")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert done == ["0 False", "outer True"]


def test_a_handler_of_ones_own_is_left_in_place() -> None:
    heard: list[int] = []

    def handler(number: int, frame: object) -> None:
        heard.append(number)

    signal.signal(signal.SIGINT, handler)
    with hold_interrupts():
        assert signal.getsignal(signal.SIGINT) is handler
        signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, signal.default_int_handler) is handler
    assert heard == [signal.SIGINT]


def test_other_threads_hold_nothing() -> None:
    found: list[object] = []

    def work() -> None:
        with hold_interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
