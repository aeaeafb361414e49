"""The widget's Python half: messages, commands, pictures, and what importing costs."""

from __future__ import annotations

import importlib.util
import io
import json
import math
import subprocess
import sys
import time
from threading import Thread
from typing import Any, ClassVar

import numpy as np
import pytest

from owlkit.core import events

from .asking import command
from .fake_run import FakeRun

if importlib.util.find_spec("anywidget") is None:
    pytest.skip("needs anywidget (extra notebook)", allow_module_level=True)


from owlkit_widgets.assets import STATIC

if not (STATIC / "monitor.js").is_file():
    pytest.skip("the browser bundle is not built: python widgets/hatch_build.py", allow_module_level=True)

from owlkit_widgets.frontend import WIDGET_VIEW, Frontend
from owlkit_widgets.monitor import Monitor
from owlkit_widgets.publisher import URGENT, Publisher
from owlkit_widgets.run_view import Pictures, RunView


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Custom messages that monitors send."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(Monitor, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)


def parts(sent: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Parts of one type of all news that were sent."""
    return [part for m in sent if m["type"] == "news" for part in m["parts"] if part["type"] == kind]


def ask(monitor: Monitor, name: str, value: Any = None) -> None:
    monitor._receive(monitor, command(monitor, name, value, id=7), [])


def test_points_go_out_at_most_five_times_a_second(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("owlkit_widgets.monitor_figures.MEASURED", 1.0)
    run = FakeRun(max_iter=100000, seconds=0.001)
    monitor = Monitor(run)
    run.start()
    time.sleep(0.1)
    assert monitor._figures.measure()["monitor"]["share"] is None, "at first nothing is known of it"
    time.sleep(1.0)
    run.stop()
    run.wait()
    appended = parts(sent, "append")
    assert 2 <= len(appended) <= 9, len(appended)
    assert sum(m["count"] for m in appended) == run.iter
    assert monitor.status["state"] == "stopped"
    assert monitor.figures["monitor"]["share"] < 0.2


def test_all_that_is_new_goes_out_in_one_message(sent: list[dict[str, Any]]) -> None:
    run = FakeRun()
    monitor = Monitor(run)
    states: list[Any] = []
    monitor.send_state = lambda key=None: states.append(key)  # type: ignore[method-assign]
    monitor._publisher.news = lambda *_: None  # type: ignore[method-assign]
    sent.clear()
    run._state("running")
    run.advance(3)
    monitor.publish(last=True)
    (news,) = sent
    assert [part["type"] for part in news["parts"]] == ["append", "figures"]
    assert monitor.figures["iter"] == monitor.get_state("figures")["figures"]["iter"] == 3
    assert states == ["status"], "figures are no message of their own"
    monitor.publish()
    assert sent == [news], "nothing is new"


def test_figures_are_sent_where_they_change_and_all_to_whom_may_know_others(
    sent: list[dict[str, Any]],
) -> None:
    run = FakeRun()
    monitor = Monitor(run)
    monitor._publisher.news = monitor._publisher.wake = lambda *_: None  # type: ignore[method-assign]
    run.advance(1)
    monitor.publish(last=True)
    changed = parts(sent, "figures")[-1]["changed"]
    assert changed["iter"] == 1
    assert not {"max_iter", "lr", "memory_total", "references"} & set(changed)
    monitor._receive(monitor, {"type": "hello"}, [])
    assert parts(sent, "figures")[-1]["changed"] == monitor.figures
    ask(monitor, "lr", -1)  # the page shows it until it hears otherwise
    monitor.publish(last=True)
    assert parts(sent, "figures")[-1]["changed"] == monitor.figures


def test_a_change_of_state_waits_for_no_period(sent: list[dict[str, Any]]) -> None:
    run = FakeRun()
    monitor = Monitor(run)
    monitor._publisher = Publisher(monitor.publish, monitor._heartbeat, period=60.0)
    run._state("running")
    run.advance(5)
    time.sleep(2 * URGENT)
    run._state("paused")
    assert monitor.status["state"] == "paused", "who pressed pause waits for it"
    assert monitor.figures["iter"] == 5


def test_buttons_reach_the_run_and_are_answered(sent: list[dict[str, Any]]) -> None:
    run = FakeRun()
    monitor = Monitor(run)
    ask(monitor, "lr", 0.001)
    assert run.lr == 0.001
    assert sent[-1] == {"type": "answer", "id": 7, "ok": True, "error": None}
    assert monitor.recorder.flags[-1]["source"] == "button"
    for name, value, words in (
        ("lr", 0, "above zero"),
        ("lr", math.nan, "above zero"),
        ("step", 0, "from 1 on"),
        ("dance", None, "known are start, pause"),
    ):
        ask(monitor, name, value)
        assert not sent[-1]["ok"]
        assert words in sent[-1]["error"]
    assert run.lr == 0.001


def test_undo_goes_back_to_the_policy_or_to_the_rate_set_before(sent: list[dict[str, Any]]) -> None:
    run = FakeRun()
    set_to: list[float | None] = []
    plain = run.set_lr
    run.set_lr = lambda value, source="code": (set_to.append(value), plain(value, source))  # type: ignore[assignment,func-returns-value]
    monitor = Monitor(run)
    for name, value in (("lr", 0.1), ("undo_lr", None), ("lr", 0.2), ("lr", 0.3), ("undo_lr", None)):
        ask(monitor, name, value)
    assert set_to == [0.1, None, 0.2, 0.3, 0.2]


def test_a_page_that_loads_gets_the_whole_run(sent: list[dict[str, Any]]) -> None:
    run = FakeRun()
    monitor = Monitor(run)
    run._state("running")
    run.advance(500)
    history = monitor.get_state("history")["history"]
    assert history["total"] == history["n"] == 500
    assert len(history["tests"]) == 2
    again: list[Any] = []
    monitor.send_state = lambda key=None: again.append(key)  # type: ignore[method-assign]
    monitor._receive(monitor, {"type": "resync"}, [])
    assert again[0] == ["history", "references"]
    assert parts(sent, "figures")[-1]["changed"] == monitor.figures


def test_a_monitor_opened_late_catches_up(sent: list[dict[str, Any]]) -> None:
    class History:
        tests: ClassVar = [events.TestDone(50, 0, "test", {"accuracy": 0.5, "loss": 1.0}, None, 0.1)]
        interventions: ClassVar = [events.Intervention(60, "lr", "0.01 → 0.001", "code", 0.01, 0.001)]
        snapshots: ClassVar = []
        divergence = None

        def columns(self) -> dict[str, np.ndarray]:
            n = np.arange(1, 101)
            return {"iter": n, "loss": 1.0 / n, "lr": np.full(100, 0.01), "seconds": np.full(100, 0.1)}

    run = FakeRun()
    run.history = History()  # type: ignore[attr-defined]
    run.iter = 100
    monitor = Monitor(run)
    run.emit(run.history.tests[0])  # type: ignore[attr-defined]  # what was on its way is not counted twice
    assert monitor.recorder.points.total == 100
    assert len(monitor.recorder.tests) == 1
    assert [(f["iter"], f["value"]) for f in monitor.recorder.flags] == [(60, 0.001)]
    assert monitor.recorder.seconds() == pytest.approx(10)


def test_what_is_sent_is_json(sent: list[dict[str, Any]]) -> None:
    run = FakeRun(test_interval=10, diverge_at=45)
    monitor = Monitor(run)
    run.start()
    run.wait()
    for message in sent:
        json.dumps(message, allow_nan=False)
    for trait in ("run", "status", "figures"):
        json.dumps(getattr(monitor, trait), allow_nan=False)
    assert "monitor of lenet: diverged" in repr(monitor)


@pytest.mark.parametrize("diverge_at", [None, 60])
def test_the_picture(diverge_at: int | None, sent: list[dict[str, Any]]) -> None:
    image = pytest.importorskip("PIL.Image")
    run = FakeRun(max_iter=80, seconds=0.0, test_interval=20, diverge_at=diverge_at)
    monitor = Monitor(run)
    ended: list[bytes] = []
    monitor.on_end.append(lambda m: ended.append(m.picture()))
    run.start()
    run.wait()
    picture = image.open(io.BytesIO(ended[0])).convert("RGB")
    assert picture.size == (2200, 866)
    assert len(ended[0]) < 150_000
    pixels = np.asarray(picture).reshape(-1, 3).astype(int)
    train = np.array([0x00, 0x72, 0xB2])
    assert (np.abs(pixels - train).max(axis=1) < 12).sum() > 1000, "no curve"
    bad = np.array([0xB2, 0x3A, 0x00])
    assert ((np.abs(pixels - bad).max(axis=1) < 12).sum() > 500) == (diverge_at is not None)


def test_the_picture_of_a_run_without_an_iteration(sent: list[dict[str, Any]]) -> None:
    pytest.importorskip("matplotlib")
    assert Monitor(FakeRun()).picture().startswith(b"\x89PNG")


class Place:
    """An output of a cell: what is displayed there now."""

    def __init__(self, content: dict[str, Any], metadata: Any = None) -> None:
        self.content, self.metadata = content, metadata

    def update(self, content: dict[str, Any], raw: bool, metadata: Any = None) -> None:
        self.content, self.metadata = content, metadata


def test_a_run_as_the_value_of_a_cell_leaves_a_picture_where_it_ends_in_a_later_one(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    places: list[Place] = []

    def display(content: dict[str, Any], raw: bool, display_id: bool = False, metadata: Any = None) -> Place:
        places.append(Place(content, metadata))
        return places[-1]

    monkeypatch.setattr("IPython.display.display", display)
    run = FakeRun(max_iter=30, seconds=0.0)
    value = Frontend.mimebundle(run)
    assert value is not None
    assert value["text/plain"] == "<monitor of lenet: ready>"
    assert "owl-shown-above" in value["text/html"], "the live widget stands above"
    live, still, image = places
    assert set(live.content) == {"text/plain", WIDGET_VIEW}
    assert "<pre>monitor of lenet: ready</pre>" in still.content["text/html"], (
        "words until there is a picture"
    )
    widget = live.content[WIDGET_VIEW]
    run.start()
    run.wait()
    wait_for(lambda: "image/png" in image.content)
    assert live.content == {"text/plain": "<monitor of lenet: ready>", WIDGET_VIEW: widget}, (
        "made anew, a drag or the focus in it would be lost"
    )
    assert "owl-image-follows" in still.content["text/html"]
    assert ">monitor of lenet: finished<" in still.content["text/html"]
    assert image.content["image/png"] not in still.content["text/html"], "it is stored once"
    assert image.metadata == {"image/png": {"alt": "monitor of lenet: finished"}}
    RunView.mimebundle(run)
    assert "image/png" in places[5].content, "shown again after its end it has the picture at once"


def test_a_run_leaves_pictures_while_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]
) -> None:
    """A page that is loaded anew takes no update: what stands in the cell by then is what is kept."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("owlkit_widgets.run_view.FIRST_PICTURE", 0.1)
    run = FakeRun(max_iter=100_000, seconds=0.001)
    monitor = Monitor(run)
    given: list[bytes | None] = []
    pictures = Pictures(monitor, given.append)
    monitor.on_end.append(pictures.last)
    thread = Thread(target=pictures.follow, daemon=True)
    thread.start()
    time.sleep(0.3)
    assert not given, "there is nothing to draw yet"
    run.start()
    wait_for(lambda: bool(given))
    assert given[0] is not None
    assert "running at iteration" in repr(monitor)
    run.stop()
    run.wait()
    thread.join(10)
    assert not thread.is_alive()
    wait_for(lambda: given[-1] == monitor.picture())


def test_a_run_that_began_long_ago_is_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("owlkit_widgets.run_view.FIRST_PICTURE", 1000.0)
    run = FakeRun(max_iter=100_000, seconds=0.001)
    monitor = Monitor(run)
    run.start()
    wait_for(lambda: run.iter > 0)
    monkeypatch.setattr(monitor.recorder, "seconds", lambda: 1000.0)
    given: list[bytes | None] = []
    pictures = Pictures(monitor, given.append)
    monitor.on_end.append(pictures.last)
    thread = Thread(target=pictures.follow, daemon=True)
    thread.start()
    wait_for(lambda: bool(given))
    assert run.state == "running"
    run.stop()
    run.wait()
    thread.join(10)
    assert not thread.is_alive()


def test_importing_the_package_is_cheap() -> None:
    heavy = ("anywidget", "IPython", "matplotlib", "numpy")
    code = f"import sys, owlkit_widgets; print(*[m for m in {heavy} if m in sys.modules])"
    search = ":".join(p for p in sys.path if p)
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": search}
    )
    assert out.stdout.strip() == ""
