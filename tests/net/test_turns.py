"""Whose turn it is to run a net: the order of asking, and what interrupts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from owlkit.net.turns import Turns

PATIENCE = 60.0


def test_turns_come_in_the_order_of_asking() -> None:
    turns, order, asked = Turns(), [], []
    with ThreadPoolExecutor(5) as pool:

        def take(number: int) -> None:
            asked.append(number)
            with turns.taken():
                order.append(number)

        with turns.taken(), turns.taken():
            waiting = []
            for number in range(5):
                waiting.append(pool.submit(take, number))
                while len(turns._queue) < number + 2:
                    time.sleep(0.001)
        for future in waiting:
            future.result(PATIENCE)
    assert order == asked == list(range(5))
    assert not turns.mine


def test_who_has_let_another_one_go_first_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes to the lock before the first: it waits then, and does not look by itself."""
    monkeypatch.setattr("owlkit.net.turns.PATIENCE", 10 * PATIENCE)
    turns, waits, order = Turns(), threading.Event(), []
    lock, wait = turns._lock, turns._passed_on.wait

    class SlowForTheFirst:
        def __enter__(self) -> None:
            if threading.current_thread().name == "first":
                assert waits.wait(PATIENCE)
            lock.acquire()

        def __exit__(self, *failure: object) -> None:
            lock.release()

    monkeypatch.setattr(turns, "_lock", SlowForTheFirst())
    monkeypatch.setattr(turns._passed_on, "wait", lambda timeout: waits.set() or wait(timeout))

    def take() -> None:
        with turns.taken():
            order.append(threading.current_thread().name)

    threads = [threading.Thread(target=take, name=name, daemon=True) for name in ("first", "second")]
    for place, thread in enumerate(threads):
        thread.start()
        while len(turns._queue) <= place and thread.is_alive():
            time.sleep(0.001)
    for thread in threads:
        thread.join(PATIENCE / 4)
    assert order == ["first", "second"]


def test_who_is_interrupted_while_it_waits_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    turns._queue.append(first := object())  # somebody who has asked before

    def interrupt(timeout: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(turns._passed_on, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt), turns.taken():
            pass
    assert list(turns._queue) == [first]
    turns._queue.clear()
    with turns.taken():
        assert turns.mine


def test_what_is_to_follow_follows_when_the_turn_is_let_go_also_where_it_failed() -> None:
    turns, seen = Turns(), list[str]()

    def act(name: str) -> Callable[[], None]:
        return lambda: seen.append(f"{name}, {'mine' if turns.mine else 'free'}")

    turns.afterwards(act("without a turn"))
    assert seen == ["without a turn, free"]
    with suppress(ZeroDivisionError), turns.taken():
        turns.afterwards(act("first"))
        with turns.taken():
            turns.afterwards(act("second"))
        assert len(seen) == 1
        _ = 1 / 0
    assert seen[1:] == ["first, free", "second, free"]
    with turns.taken():
        pass
    assert len(seen) == 3
