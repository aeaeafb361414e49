"""Several runs in one monitor: the kernel's half."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from . import asking
from .asking import Held, command
from .fake_run import FakeRun

if importlib.util.find_spec("anywidget") is None:
    pytest.skip("needs anywidget (extra notebook)", allow_module_level=True)

from owlkit_widgets.assets import STATIC

if not (STATIC / "monitor.js").is_file():
    pytest.skip("the browser bundle is not built: python widgets/hatch_build.py", allow_module_level=True)

from owlkit_widgets.monitor import Monitor

Watch = Callable[..., Monitor]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Custom messages that monitors send."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(Monitor, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


@pytest.fixture
def watch(sent: list[dict[str, Any]]) -> Iterator[Watch]:
    """Makes monitors, and closes them after the test."""
    made: list[Monitor] = []

    def make(run: FakeRun, compare: Any = None) -> Monitor:
        made.append(Monitor(run, compare))
        return made[-1]

    yield make
    for monitor in made:
        monitor.close()


def ended(name: str, iterations: int = 40) -> FakeRun:
    run = FakeRun(name, max_iter=iterations, seconds=0.0, test_interval=20)
    run.start()
    run.wait()
    return run


def ask(monitor: Monitor, name: str, value: Any = None) -> None:
    monitor._receive(monitor, command(monitor, name, value, id=7), [])


def answer(sent: list[dict[str, Any]]) -> dict[str, Any]:
    """The last one; news may have gone out since, from a thread."""
    return [content for content in sent if content["type"] == "answer"][-1]


def references(monitor: Monitor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = monitor.get_state("references")["references"]
    return found


def test_a_page_that_loads_gets_the_curves_of_all_runs(watch: Watch, sent: list[dict[str, Any]]) -> None:
    front, other = FakeRun("new"), FakeRun("old", test_interval=10)
    monitor = watch(front, compare=[other])
    other._state("running")
    other.advance(30)
    (found,) = references(monitor)
    assert (found["name"], found["state"], found["iter"], found["total"]) == ("old", "running", 30, 30)
    assert [test["iter"] for test in found["tests"]] == [10, 20, 30]
    assert np.frombuffer(found["data"], np.uint32, found["n"])[-1] == 30
    assert monitor.get_state("history")["history"]["total"] == 0
    assert repr(monitor) == "<monitor of new: ready, compared with old>"


def test_points_of_a_reference_say_whose_they_are(watch: Watch, sent: list[dict[str, Any]]) -> None:
    front, other = FakeRun("new"), FakeRun("old")
    monitor = watch(front, compare=other)
    monitor._publisher.news = lambda *_: None  # type: ignore[method-assign]
    sent.clear()
    front.advance(2)
    other.advance(3)
    monitor.publish()
    (news,) = sent
    appended = [(part.get("of"), part["count"]) for part in news["parts"] if part["type"] == "append"]
    key = monitor.figures["references"][0]["key"]
    assert appended == [(None, 2), (key, 3)]


def test_a_run_is_added_and_removed_by_the_browser(watch: Watch, sent: list[dict[str, Any]]) -> None:
    front, other = FakeRun("new"), ended("old")
    monitor = watch(front)
    ask(monitor, "runs")
    # Other tests' runs may still be held; the newest come first.
    offered = {row["name"]: row for row in reversed(answer(sent)["value"])}
    assert offered["old"]["iter"] == 40
    assert str(monitor.run["key"]) not in {row["key"] for row in answer(sent)["value"]}
    ask(monitor, "compare", offered["old"]["key"])
    assert answer(sent)["ok"]
    assert [row["name"] for row in references(monitor)] == ["old"]
    ask(monitor, "compare", offered["old"]["key"])
    assert len(references(monitor)) == 1, "it is there already"
    listeners = len(other._listeners)
    ask(monitor, "drop", offered["old"]["key"])
    assert references(monitor) == []
    assert len(other._listeners) == listeners - 1
    ask(monitor, "drop", offered["old"]["key"])
    assert not answer(sent)["ok"]
    assert "no run" in answer(sent)["error"]
    ask(monitor, "compare", "0")
    assert answer(sent)["error"] == "run 0 is gone"


def test_four_runs_are_enough(watch: Watch, sent: list[dict[str, Any]]) -> None:
    runs = [FakeRun(name) for name in "abcde"]
    monitor = watch(runs[0], compare=runs[1:4])
    with pytest.raises(ValueError, match="4 runs at most; it has a, b, c, d: remove one first"):
        monitor.compare(runs[4])
    assert len(references(monitor)) == 3


def test_controls_act_on_the_run_in_front(watch: Watch, sent: list[dict[str, Any]]) -> None:
    first, second = FakeRun("first"), FakeRun("second")
    monitor = watch(first, compare=second)
    second.advance(5)
    ask(monitor, "lr", 0.5)
    assert (first.lr, second.lr) == (0.5, 0.01)
    ask(monitor, "select", monitor.figures["references"][0]["key"])
    assert monitor.run["name"] == "second"
    assert monitor.figures["iter"] == 5
    assert monitor.get_state("history")["history"]["total"] == 5
    assert [row["name"] for row in references(monitor)] == ["first"]
    ask(monitor, "lr", 0.25)
    assert (first.lr, second.lr) == (0.5, 0.25)
    ask(monitor, "undo_lr")
    assert (first.lr, second.lr) == (0.5, 0.01)
    assert first.state == "ready"
    ask(monitor, "stop")
    ask(monitor, "select", "no such run")
    assert not answer(sent)["ok"]


def test_a_run_comes_to_the_front_with_its_figures_in_one_message(
    watch: Watch, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[dict[str, Any]] = []
    monkeypatch.setattr(Monitor, "_send", lambda self, msg, buffers=None: states.append(msg["state"]))
    first, second = FakeRun("first"), ended("second")
    monitor = watch(first, compare=second)
    states.clear()
    ask(monitor, "select", monitor.figures["references"][0]["key"])
    state = states[0]
    assert set(state) >= {"run", "status", "figures", "history", "references"}
    assert (state["run"]["name"], state["status"]["state"]) == ("second", "finished")
    assert state["figures"]["iter"] == 40
    assert [row["name"] for row in state["figures"]["references"]] == ["first"]


def test_the_picture_is_drawn_anew_when_any_of_them_ends(watch: Watch, sent: list[dict[str, Any]]) -> None:
    front, other = ended("done"), FakeRun("going", max_iter=30, seconds=0.0)
    monitor = watch(front, compare=other)
    told: list[str] = []
    monitor.on_end.append(lambda m: told.append(repr(m)))
    assert not monitor.overlay.over
    assert monitor._heartbeat()
    other.start()
    other.wait()
    assert told == ["<monitor of done: finished, compared with going>"]
    assert not monitor._heartbeat()


def test_a_closed_monitor_lets_go_of_its_runs(watch: Watch, sent: list[dict[str, Any]]) -> None:
    front, other = FakeRun("a"), FakeRun("b")
    watch(front, compare=other).close()
    assert front._listeners == other._listeners == []


def test_the_still_picture_has_the_other_runs(watch: Watch, sent: list[dict[str, Any]]) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    runs = [ended(name, 60) for name in ("front", "second", "third", "fourth")]
    alone = watch(runs[0]).picture()
    pictures = [watch(runs[0], runs[1 : n + 1]).picture() for n in (1, 3)]
    sizes = {image.open(io.BytesIO(picture)).size for picture in (alone, *pictures)}
    assert len(sizes) == 1, "others change no layout"
    ink = []
    for picture in (alone, *pictures):
        pixels = np.asarray(image.open(io.BytesIO(picture)).convert("L"))
        ink.append(int((pixels < 128).sum()))
    assert ink[0] < ink[1] < ink[2]


def test_a_press_reaches_the_run_that_was_shown(watch: Watch, sent: list[dict[str, Any]]) -> None:
    """Another page may bring another run to the front while a button is pressed."""
    first, second = FakeRun("first"), FakeRun("second")
    monitor = watch(first, compare=second)
    for run in (first, second):
        run._state("running")
        run._go.set()
    pressed = [command(monitor, name, id=name) for name in ("pause", "lr")]
    shown = monitor.run["key"]
    ask(monitor, "select", monitor.figures["references"][0]["key"])
    assert monitor._press(pressed[0])
    assert (first._go.is_set(), second._go.is_set()) == (False, True)
    ask(monitor, "drop", shown)
    assert monitor._press(pressed[1] | {"value": 0.5}), "who waits for it hears it at once"
    assert (first.lr, second.lr) == (0.01, 0.01)
    assert answer(sent)["error"] == f"run {shown} is in this monitor no longer"


def test_a_press_waits_for_what_was_asked_of_its_own_run_only(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, held = FakeRun("first"), FakeRun("second"), Held()
    monitor = watch(first, compare=second)
    monkeypatch.setattr(first, "start", held)
    asking.ask(monitor, command(monitor, "start"))
    assert held.begun.wait(asking.PATIENCE)
    second._state("running")
    second._go.set()
    asking.ask(monitor, command(monitor, "pause", run=monitor.overlay.behind[0].key))
    assert not second._go.is_set()
    held.go.set()
    asking.settled(monitor)


def test_a_press_is_not_done_before_another_while_a_third_ends(watch: Watch) -> None:
    """What waits was looked through while the monitor's thread took something out: one was passed over."""
    second = FakeRun("second")
    monitor = watch(FakeRun("first"), compare=second)
    orders, key = monitor._orders, monitor.overlay.behind[0].key

    class Done(str):
        def __eq__(self, other: object) -> bool:
            orders._in_hand.pop(0)
            return False

        __hash__ = str.__hash__

    orders._in_hand = [(Done("first"), 1), (key, 2)]
    second._state("running")
    assert not orders.press(command(monitor, "pause", run=key, id=3))


def test_a_run_is_found_while_it_is_brought_to_the_front(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a moment it was neither in front nor behind."""
    monitor = watch(FakeRun("first"), compare=FakeRun("second"))
    keys = [subject.key for subject in monitor.overlay]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        swapping = asking.in_thread(lambda: [monitor.overlay.select(keys[1 - k % 2]) for k in range(3000)])
        while swapping.is_alive():
            assert [monitor.overlay.of(key).key for key in keys] == keys
    finally:
        sys.setswitchinterval(interval)
    assert asking.ended(swapping)


class TestCrossing:
    """A button pressed while the run ends, or is started again, does what was meant, or says why not."""

    @pytest.mark.parametrize("name", ["pause", "stop"])
    @pytest.mark.parametrize(
        ("state", "words"),
        [("finished", "has finished"), ("stopped", "was stopped"), ("ready", "has not begun")],
    )
    def test_nothing_is_left_to_pause(
        self, name: str, state: str, words: str, watch: Watch, sent: list[dict[str, Any]]
    ) -> None:
        run = FakeRun()
        monitor = watch(run)
        run.state = state
        ask(monitor, name)
        assert answer(sent)["error"] == f"lenet {words}: there is nothing to {name}"
        assert not run.history.interventions

    def test_the_run_ends_before_it_could_be_paused(
        self, watch: Watch, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = FakeRun()
        monitor = watch(run)
        run._state("running")
        monkeypatch.setattr(run, "pause", lambda source: run._state("finished"))
        assert monitor._press(command(monitor, "pause"))
        assert answer(sent)["error"] == "lenet has finished: there is nothing to pause"
        run._state("running")
        monkeypatch.setattr(run, "stop", lambda source: run._state("stopped"))
        assert monitor._press(command(monitor, "stop"))
        assert answer(sent)["ok"], "it has stopped, as it was to"

    @pytest.mark.parametrize("name", ["resume", "step"])
    def test_a_paused_run_that_was_stopped_meanwhile_is_not_trained_anew(
        self, name: str, watch: Watch, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run, done = FakeRun(), []
        monitor = watch(run)
        for control in ("resume", "step"):
            monkeypatch.setattr(run, control, lambda *_, **__: done.append(1))
        run._state("stopped")
        order = command(monitor, name, 1, state="paused")
        monitor._receive(monitor, order, [])
        assert answer(sent)["error"] == "lenet was stopped meanwhile: press again to train on"
        assert not done
        monitor._receive(monitor, order | {"state": "stopped"}, [])
        assert answer(sent)["ok"]
        assert done == [1]

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("running", "has begun meanwhile"), ("paused", "has begun meanwhile"),
            ("finished", "has finished meanwhile"), ("failed", "has failed meanwhile"),
            ("stopped", "was stopped meanwhile: press again to train on"),
        ],
    )  # fmt: skip
    def test_a_run_that_code_has_begun_meanwhile_is_not_begun_again(
        self, state: str, words: str, watch: Watch, sent: list[dict[str, Any]]
    ) -> None:
        run = FakeRun()
        monitor = watch(run)
        order = command(monitor, "start")
        run._state(state)
        monitor._receive(monitor, order, [])
        assert answer(sent)["error"] == f"lenet {words}"
        assert not run._go.is_set()

    def test_a_run_in_training_again_is_not_put_back(
        self, watch: Watch, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run, done = FakeRun(), []
        monitor = watch(run)
        monkeypatch.setattr(run, "back", lambda *_, **__: done.append(1), raising=False)
        run._state("running")
        monitor._receive(monitor, command(monitor, "back", 10, state="diverged"), [])
        assert answer(sent)["error"] == "lenet is in training again: it was not put back"
        assert not done
        run._state("diverged")
        monitor._receive(monitor, command(monitor, "back", 10), [])
        assert done == [1]
