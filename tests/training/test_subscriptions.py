"""How events reach a listener: iterations now and then, all else at once, and in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from owlkit.core import events
from owlkit.training.subscriptions import Subscription

PATIENCE = 20.0


class Heard(list[Any]):
    """What a listener was told; `wait` waits until there are n events."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def __call__(self, event: Any) -> None:
        with self._changed:
            self.append(event)
            self._changed.notify_all()

    def wait(self, n: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self) >= n, PATIENCE)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def patient(heard: Heard) -> Iterator[Subscription]:
    """A subscription that delivers iterations once an hour, and has just done so."""
    subscription = Subscription(heard, every=3600.0)
    subscription.put(iteration(1))
    assert heard.wait(1)
    yield subscription
    subscription.end()


def iteration(number: int) -> events.IterationDone:
    return events.IterationDone(number, 1.0, 1.0, 0.1, 0.01, 0.0, 64)


def test_iterations_wait_for_their_time(patient: Subscription, heard: Heard) -> None:
    for number in range(2, 50):
        patient.put(iteration(number))
    time.sleep(0.1)
    assert [event.iter for event in heard] == [1]
    patient.flush(PATIENCE)
    assert [event.iter for event in heard] == list(range(1, 50))


def test_other_events_are_told_at_once_after_what_came_before(patient: Subscription, heard: Heard) -> None:
    patient.put(iteration(2))
    patient.put(events.StateChanged(2, "paused"))
    patient.put(iteration(3))
    assert heard.wait(3)
    assert [type(event).__name__ for event in heard[:3]] == ["IterationDone", "IterationDone", "StateChanged"]


def test_a_slow_net_is_followed_at_once() -> None:
    heard = Heard()
    subscription = Subscription(heard, every=0.01)
    for number in range(1, 6):
        subscription.put(iteration(number))
        assert heard.wait(number)
    subscription.end()


def test_nothing_is_told_after_the_end(patient: Subscription, heard: Heard) -> None:
    patient.put(iteration(2))
    patient.end()
    patient.put(events.StateChanged(2, "paused"))
    patient.flush(PATIENCE)
    time.sleep(0.05)
    assert len(heard) == 1


def test_what_spaces_deliveries_may_change() -> None:
    heard = Heard()
    pace = iter([0.0, 3600.0])
    subscription = Subscription(heard, every=lambda: next(pace))
    subscription.put(iteration(1))
    assert heard.wait(1)
    subscription.put(iteration(2))
    assert heard.wait(2), "asked after the first delivery, it let the next come at once"
    time.sleep(0.05)  # the delivery ends, and the next is an hour off
    subscription.put(iteration(3))
    subscription.put(iteration(4))
    time.sleep(0.1)
    assert len(heard) == 2
    subscription.flush(PATIENCE)
    assert len(heard) == 4
    subscription.end()


def test_the_end_of_a_delivery_is_told_once(heard: Heard) -> None:
    seen = Heard()
    subscription = Subscription(heard, every=3600.0, after=lambda: seen([event.iter for event in heard]))
    subscription.put(iteration(1))
    assert seen.wait(1)
    for number in range(2, 5):
        subscription.put(iteration(number))
    subscription.put(events.StateChanged(4, "paused"))
    assert seen.wait(2)
    assert seen == [[1], [1, 2, 3, 4, 4]]
    subscription.end()


def test_a_failure_after_a_delivery_ends_the_listener(heard: Heard, caplog: pytest.LogCaptureFixture) -> None:
    subscription = Subscription(heard, every=0.0, after=lambda: 1 / 0)
    subscription.put(iteration(1))
    subscription.flush(PATIENCE)
    assert subscription.ended
    assert "ZeroDivisionError" in caplog.text
