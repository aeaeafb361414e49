"""Widgets whose messages come in one thread while cells, trainings and their own threads go on."""

from __future__ import annotations

import io
import threading
from typing import Any

import anywidget
import pytest

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from PIL import Image

import owlkit
from owlkit import show_heatmap
from owlkit.inspection.layerwise import Layerwise
from owlkit_widgets.activations import ActivationsWidget
from owlkit_widgets.comms import LiveWidget
from owlkit_widgets.desk import Desk
from owlkit_widgets.drivers import DriversWidget
from owlkit_widgets.inspector import InspectorWidget
from owlkit_widgets.monitor import Monitor
from owlkit_widgets.panels import Panels
from tests.widgets.asking import PATIENCE, Held, ask, choose, command, ended, in_thread, settled
from tests.widgets.fake_net import FakeSolver
from tests.widgets.fake_run import FakeRun
from tests.widgets.look_net import LABELS, halves, picture


def looks() -> ActivationsWidget:
    return ActivationsWidget(owlkit.show_activations(halves(), picture(), "relu", labels=LABELS))


def maps() -> DriversWidget:
    """With a map known of what is chosen next, so that it is shown at once."""
    widget = DriversWidget(show_heatmap(halves(), picture(), "ip", 0, progress=False))
    wish = type(widget._wish).of({**widget.view, "layer": "prob", "unit": None})
    widget._known[wish] = next(iter(widget._known.values()))
    return widget


class TestDesk:
    def test_one_thing_after_the_other_and_of_those_alike_the_last(self) -> None:
        done: list[Any] = []
        held, desk = Held(), Desk("test", done.append)
        desk.put(held, "view")
        assert held.begun.wait(PATIENCE)
        for number in range(3):
            desk.put(lambda number=number: done.append(number), "view")
        desk.put(lambda: done.append("asked"))
        desk.put(lambda: done.append(3), "view")
        assert not desk.wait(0)
        held.go.set()
        assert desk.wait(PATIENCE)
        assert done == [2, "asked", 3], "none is passed by what was asked for before"
        assert held.threads == ["test"]
        assert not [thread for thread in threading.enumerate() if thread.name == "test" and thread.is_alive()]

    def test_it_lives_on_whatever_goes_wrong(self) -> None:
        done: list[int] = []

        def complain(error: Exception) -> None:
            raise RuntimeError("nor can it be told") from error

        desk = Desk("test", complain)
        desk.put(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        desk.put(lambda: done.append(1))
        assert desk.wait(PATIENCE)
        assert done == [1]

    def test_what_waits_can_be_forgotten(self) -> None:
        done: list[int] = []
        held, desk = Held(), Desk("test", lambda error: None)
        desk.put(held)
        assert held.begun.wait(PATIENCE)
        desk.put(lambda: done.append(1))
        desk.clear()
        held.go.set()
        assert desk.wait(PATIENCE)
        assert not done


class TestOneThreadForAll:
    def test_a_pause_waits_for_no_other_widget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All messages come in one thread: an inspector's look at a large net took seconds of it."""
        run = FakeRun()
        monitor, inspector, held = Monitor(run), InspectorWidget(owlkit.inspect(halves())), Held()
        run._state("running")
        monkeypatch.setattr(inspector.inspector, "look", held)
        ask(inspector, {"type": "image", "name": "x"}, [memoryview(b"")])
        assert held.begun.wait(PATIENCE)
        ask(monitor, command(monitor, "pause"))
        assert not run._go.is_set()
        assert run._asked.is_set(), "it is done before the next message is taken"
        held.go.set()
        settled(inspector)
        assert held.threads == ["owlkit-InspectorWidget"]

    def test_a_pause_waits_for_nothing_of_its_own_monitor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run, held = FakeRun(solver=FakeSolver()), Held()
        monitor = Monitor(run)
        run._state("running")
        monkeypatch.setattr(monitor.panels, "watch", held)  # histograms of a large net
        choose(monitor, layerOpen=["conv1"])
        assert held.begun.wait(PATIENCE)
        ask(monitor, command(monitor, "pause"))
        assert run._asked.is_set()
        held.go.set()
        settled(monitor)

    def test_what_a_run_would_do_here_is_done_in_the_monitors_thread(self) -> None:
        """Where nothing trains, a snapshot is written by who asks for it."""
        run, held = FakeRun(), Held()
        monitor = Monitor(run)
        run.snapshot = held  # type: ignore[method-assign]
        ask(monitor, command(monitor, "snapshot"))
        assert held.begun.wait(PATIENCE)
        assert held.threads == ["owlkit-Monitor"]
        held.go.set()
        settled(monitor)

    def test_a_pause_does_not_overtake_the_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run says that it is running before its start has returned."""
        run, held, done = FakeRun(), Held(), []
        monitor = Monitor(run)

        def start() -> None:
            run._state("running")
            held()
            done.append("start")

        monkeypatch.setattr(run, "start", start)
        monkeypatch.setattr(run, "pause", lambda source: done.append("pause"))
        monitor.overlay.front.controls._commands["start"] = lambda _: run.start()
        ask(monitor, command(monitor, "start"))
        assert held.begun.wait(PATIENCE)
        ask(monitor, command(monitor, "pause", id=2))
        held.go.set()
        settled(monitor)
        assert done == ["start", "pause"]
        ask(monitor, command(monitor, "pause", id=3))
        assert done[2:] == ["pause"], "and from then on it is done at once"

    def test_nor_does_what_another_page_asks_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every page counts its commands from 1."""
        run, done = FakeRun(), []
        monitor, start, pause = Monitor(run), Held(), Held()
        run._state("running")
        commands = monitor.overlay.front.controls._commands
        commands["start"], commands["pause"] = start, lambda _: pause() or done.append("pause")
        commands["resume"] = lambda _: done.append("resume")
        for name in ("start", "pause"):
            ask(monitor, command(monitor, name))
        start.go.set()
        assert pause.begun.wait(PATIENCE)
        ask(monitor, command(monitor, "resume", id=2))
        pause.go.set()
        settled(monitor)
        assert done == ["pause", "resume"]

    def test_stop_is_not_behind_what_it_stops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        widget = DriversWidget(show_heatmap(halves(), picture(), "ip", 0, progress=False))
        held = Held()
        monkeypatch.setattr(widget, "figure", lambda: held() or b"")
        ask(widget, {"type": "figure"})
        assert held.begun.wait(PATIENCE)
        ask(widget, {"type": "stop"})
        assert widget._latest.stopped
        held.go.set()
        settled(widget)

    def test_a_page_that_loads_is_answered_meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """JupyterLab gives up on a widget after some seconds."""
        widget, held, sent = looks(), Held(), []
        monkeypatch.setattr(widget, "figure", lambda: held() or b"")
        monkeypatch.setattr(LiveWidget, "_send", lambda self, msg, buffers=None: sent.append(msg))
        ask(widget, {"type": "figure"})
        assert held.begun.wait(PATIENCE)
        widget._handle_msg({"content": {"data": {"method": "request_state"}}, "buffers": []})
        assert [msg["method"] for msg in sent] == ["update"]
        held.go.set()
        settled(widget)

    def test_of_many_choices_the_last_is_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        widget, held, shown = looks(), Held(), []
        monkeypatch.setattr(widget, "figure", lambda: held() or b"")
        ask(widget, {"type": "figure"})
        assert held.begun.wait(PATIENCE)
        widget.observe(lambda change: shown.append(change["new"]["channel"]), "unit")
        for channel in (3, 1, 2):
            choose(widget, selected=channel)
        held.go.set()
        settled(widget)
        assert shown == [2]


class TestTrouble:
    def test_what_goes_wrong_is_told_until_something_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        widget = looks()
        with monkeypatch.context() as patched:
            patched.setattr(widget, "figure", lambda: 1 / 0)
            ask(widget, {"type": "figure"})
            settled(widget)
        assert widget.said == {"text": "ZeroDivisionError: division by zero", "bad": True}
        choose(widget, selected=2)
        settled(widget)
        assert (widget.said, widget.unit["channel"]) == ({}, 2)

    def test_a_choice_that_cannot_be_shown_is_told_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone(name: str) -> Any:
            raise ImportError("matplotlib is not here; pip install 'owlkit[figures]'")

        widget = looks()
        monkeypatch.setattr(widget._seen, "values", gone)
        choose(widget, layer="prob")
        settled(widget)
        assert widget.said == {"text": "matplotlib is not here; pip install 'owlkit[figures]'", "bad": True}

    def test_after_an_image_that_could_not_be_shown_comes_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each one after it failed with an IndexError."""
        widget = looks()
        file = io.BytesIO()
        Image.new("L", (30, 30), 200).save(file, "png")
        with monkeypatch.context() as patched:
            patched.setattr(Layerwise, "values", lambda self, layer: 1 / 0)
            ask(widget, {"type": "image", "name": "first"}, [memoryview(file.getvalue())])
            settled(widget)
        assert "ZeroDivisionError" in widget.said["text"]
        ask(widget, {"type": "image", "name": "second"}, [memoryview(file.getvalue())])
        settled(widget)
        assert (widget.said, widget.image["name"], widget.layer["name"]) == ({}, "second", "relu")

    def test_a_refused_command_is_answered_whatever_was_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sent: list[Any] = []
        monitor = Monitor(FakeRun())
        monkeypatch.setattr(monitor, "send", lambda content, buffers=None: sent.append(content))
        monkeypatch.setattr(monitor.overlay, "open_panels", lambda key: 1 / 0)
        ask(monitor, command(monitor, "select", "2", id=4))
        settled(monitor)
        answer = next(content for content in sent if content["type"] == "answer")
        assert (answer["id"], answer["error"]) == (4, "ZeroDivisionError: division by zero")

    @pytest.mark.parametrize("missing", ["run", "state", "name"])
    def test_a_command_that_is_not_whole_is_answered(
        self, missing: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a page that was loaded before an update sends it: the thread of all widgets raised."""
        sent: list[Any] = []
        monitor = Monitor(FakeRun())
        monkeypatch.setattr(monitor, "send", lambda content, buffers=None: sent.append(content))
        order = command(monitor, "pause", id=5)
        ask(monitor, {key: value for key, value in order.items() if key != missing})
        settled(monitor)
        (answer,) = [content for content in sent if content["type"] == "answer"]
        what = "a command" if missing == "name" else "pause"
        assert answer["error"] == f"{what}: the page does not say {missing}; load it again"
        assert (answer["id"], answer["ok"]) == (5, False)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ({"type": "command", "name": "pause"}, "pause: the page does not say id and run and state"),
            ({"type": "command", "id": 1, "name": [], "run": "1", "state": "ready"}, "unhashable"),
            (["pause"], "AttributeError"),
        ],
    )
    def test_a_message_that_nobody_can_answer_is_told(self, content: Any, told: str) -> None:
        monitor = Monitor(FakeRun())
        ask(monitor, content)
        settled(monitor)
        assert told in monitor.said["text"]

    def test_the_failure_of_what_nobody_wants_any_more_is_not_told(self) -> None:
        widget = DriversWidget(show_heatmap(halves(), picture(), "ip", 0, progress=False))
        before = dict(widget.found)
        assert before["state"] == "ready"
        other = type(widget._wish).of({**widget.view, "unit": 1})
        widget._failed(other, ValueError("too late"))
        assert widget.found == before
        widget._failed(widget._wish, ValueError("now"))
        assert widget.found["problem"] == "now"


class TestTwoThreads:
    """ipywidgets keeps what is held back in one place per widget."""

    @pytest.fixture
    def sent(self, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
        states: list[set[str]] = []

        def send(self: Any, msg: Any, buffers: Any = None) -> None:
            if isinstance(self, ActivationsWidget):  # monitors of other tests give signs of life
                states.append(set(msg["state"]) | {path[0] for path in msg["buffer_paths"]})

        monkeypatch.setattr(anywidget.AnyWidget, "_send", send)
        return states

    def test_what_one_holds_back_is_not_what_the_other_sends(self, sent: list[set[str]]) -> None:
        widget = looks()
        sent.clear()
        with widget.hold_sync():
            widget.image = {**widget.image, "name": "another"}
            other = in_thread(lambda: setattr(widget, "said", {"text": "from a thread", "bad": False}))
            other.join(0.1)
            assert other.is_alive(), "what it adds now might be forgotten with what is sent"
        assert ended(other)
        assert sent == [{"image"}, {"said"}]

    def test_notifications_of_others_are_not_held(self, sent: list[set[str]]) -> None:
        """They were, while a view came from the browser, and were sent by whichever thread came last."""
        widget = looks()
        sent.clear()
        with widget.hold_trait_notifications():
            assert ended(in_thread(lambda: setattr(widget, "said", {"text": "from a thread"})))
            assert sent == [{"said"}]

    def test_a_page_that_loads_gets_what_belongs_together(self) -> None:
        """ipywidgets asks for the states of all widgets in a thread of its own."""
        widget, got = looks(), []
        with widget.hold_sync():
            widget.image = {**widget.image, "name": "another"}
            page = in_thread(lambda: got.append(widget.get_state()))
            page.join(0.1)
            widget.pixels = b"its own"
        assert ended(page)
        assert (got[0]["image"]["name"], got[0]["pixels"]) == ("another", b"its own")


class TestNets:
    @pytest.mark.parametrize("make", [looks, maps])
    def test_a_page_that_loads_waits_for_no_iteration(self, make: Any) -> None:
        """A widget that waits for its look at a net that a cell trains holds no lock of its own meanwhile."""
        widget = make()
        taken, go, got = threading.Event(), threading.Event(), []

        def iterate() -> None:
            with widget._net.turns.taken():
                taken.set()
                assert go.wait(PATIENCE)

        training = in_thread(iterate)
        assert taken.wait(PATIENCE)
        choose(widget, layer="prob", selected=None, unit=None)
        assert not widget._desk.wait(0.1), "its passes are those of one iteration"
        assert ended(in_thread(lambda: got.append(widget.get_state())))
        assert got
        go.set()
        assert ended(training)
        settled(widget)
        assert widget.view["layer"] == "prob"

    def test_histograms_wait_for_the_iteration_of_who_steps_by_hand(self) -> None:
        net = halves()
        solver: Any = FakeSolver()
        run = FakeRun(solver=solver)
        panels = Panels(run)
        run.advance(1)
        panels.take()
        layer = panels.describe()["layers"][0]["name"]
        panels._net = net
        read: list[int] = []
        assert panels.sampler is not None
        panels.sampler.look_at = lambda keys: bool(read.append(1)) or True  # type: ignore[method-assign]
        taken, go = threading.Event(), threading.Event()

        def iterate() -> None:
            with net.turns.taken():
                taken.set()
                assert go.wait(PATIENCE)

        training = in_thread(iterate)
        assert taken.wait(PATIENCE)
        monkey = pytest.MonkeyPatch()
        monkey.setattr("owlkit_widgets.panels.reader", lambda net, layer, kind: lambda: None)
        watching = in_thread(lambda: panels.watch([layer]))
        watching.join(0.1)
        assert watching.is_alive()
        assert not read
        assert panels.lock.acquire(timeout=PATIENCE), "what is new goes out meanwhile"
        panels.lock.release()
        go.set()
        assert ended(watching)
        assert ended(training)
        assert read == [1]
        monkey.undo()
