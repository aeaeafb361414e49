"""When updates go out: how often, in which thread, and the signs of life between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from owlkit_widgets.pace import Pace
from owlkit_widgets.publisher import LONGEST, PERIOD, URGENT, Publisher, period_of

PATIENCE = 10.0


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)


class Updates(list[threading.Thread]):
    """The threads that updates were made in; `signs` counts the signs of life."""

    def __init__(self) -> None:
        self.signs = 0
        self.alive = True

    def publish(self) -> None:
        self.append(threading.current_thread())

    def quiet(self) -> bool:
        self.signs += self.alive
        return self.alive


@pytest.mark.parametrize(
    ("seconds", "period"), [(0.0, PERIOD), (0.005, PERIOD), (0.32, 0.64), (0.7, LONGEST), (60.0, LONGEST)]
)
def test_slow_nets_are_told_of_less_often(seconds: float, period: float) -> None:
    assert period_of(seconds) == period


def test_an_iteration_takes_the_shorter_of_the_last_two() -> None:
    pace = Pace()
    seen = []
    for seconds in (2.0, 0.3, 0.1, 0.5):
        pace.add(SimpleNamespace(images=1, seconds=seconds, data_seconds=0.0))
        seen.append(pace.iteration_seconds)
    assert seen == [0.0, 0.3, 0.1, 0.1], "a first one that is slow says nothing of the others"


def test_news_are_published_in_the_thread_that_brings_them() -> None:
    updates = Updates()
    publisher = Publisher(updates.publish, updates.quiet, period=0.02, heartbeat=PATIENCE)
    for n in range(1, 4):
        publisher.news()
        assert updates == [threading.current_thread()] * n
        time.sleep(0.03)


def test_news_that_come_too_early_are_published_later_in_another_thread() -> None:
    updates = Updates()
    publisher = Publisher(updates.publish, updates.quiet, period=0.2, heartbeat=PATIENCE)
    start = time.monotonic()
    for _ in range(50):
        publisher.news()
    assert len(updates) == 1
    wait_for(lambda: len(updates) == 2)
    assert time.monotonic() - start >= 0.2
    assert updates[1].name == "owlkit-monitor"


def test_urgent_news_wait_for_no_period() -> None:
    updates = Updates()
    publisher = Publisher(updates.publish, updates.quiet, period=PATIENCE, heartbeat=2 * PATIENCE)
    publisher.news()
    time.sleep(0.03)
    publisher.news()
    assert len(updates) == 1
    publisher.news(urgent=True)
    assert len(updates) == 2
    for _ in range(100):
        publisher.news(urgent=True)
    assert len(updates) < 20, "a run that is stepped in a loop floods the browser"


def test_urgent_news_that_come_too_early_wait_for_their_own_period_only() -> None:
    """Pause is pressed, and an update has gone out just before."""
    updates = Updates()
    publisher = Publisher(updates.publish, updates.quiet, period=PATIENCE, heartbeat=2 * PATIENCE)
    for asleep in (False, True):
        if asleep:  # the thread waits for the end of the period already
            publisher.news()
            time.sleep(0.05)
        before, start = len(updates), time.monotonic()
        publisher._update()
        publisher.news(urgent=True)
        wait_for(lambda before=before: len(updates) == before + 2)  # type: ignore[misc]
        assert URGENT <= time.monotonic() - start < PATIENCE / 2
        time.sleep(3 * URGENT)
        assert len(updates) == before + 2, "once is enough"


def test_signs_of_life_come_where_nothing_else_does() -> None:
    updates = Updates()
    publisher = Publisher(updates.publish, updates.quiet, period=0.01, heartbeat=0.3)
    for _ in range(20):
        publisher.news()
        time.sleep(0.03)
    assert len(updates) >= 5
    assert updates.signs <= 1, (
        "news are a sign of life; one that a busy machine holds up for long may be missed"
    )
    before, start = updates.signs, time.monotonic()
    wait_for(lambda: updates.signs >= before + 2)
    assert time.monotonic() - start >= 0.3, "signs of life one after the other, without a rest"


def test_nothing_runs_beside_what_is_over() -> None:
    updates = Updates()
    publisher = Publisher(updates.publish, updates.quiet, period=0.01, heartbeat=0.05)
    publisher.news()
    thread = publisher._thread
    assert thread is not None
    updates.alive = False
    thread.join(PATIENCE)
    assert not thread.is_alive()
    publisher.wake()
    wait_for(lambda: len(updates) == 2)
    assert updates[1] is not thread


def test_a_failing_update_is_remarked_once_in_a_line(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise ZeroDivisionError("no norm")

    publisher = Publisher(fail, lambda: False, period=0.0)
    with caplog.at_level("DEBUG", "owlkit"):
        for _ in range(3):
            publisher.news()
    wait_for(lambda: len(calls) >= 3)
    said = [record for record in caplog.records if record.levelname != "DEBUG"]
    assert len(said) == 1
    assert "ZeroDivisionError: no norm" in said[0].getMessage()
    assert "TextMonitor(run).follow()" in said[0].getMessage()
    assert said[0].exc_info is None
    assert any(record.exc_info for record in caplog.records), "the log has the rest"


def test_a_sign_of_life_that_fails_ends_nothing() -> None:
    """The thread was gone by then, and counted as there: a monitor gave no signs any more, nor late news."""
    updates, tried = Updates(), threading.Event()

    def quiet() -> bool:
        if not tried.is_set():
            tried.set()
            raise OSError("no way to the page")
        return updates.quiet()

    publisher = Publisher(updates.publish, quiet, period=0.01, heartbeat=0.02)
    publisher.wake()
    assert tried.wait(PATIENCE)
    wait_for(lambda: updates.signs > 0)
    publisher.wake()
    wait_for(lambda: len(updates) == 2)
    updates.alive = False
