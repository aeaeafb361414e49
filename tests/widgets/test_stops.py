"""Work that is given up: nothing that was asked for is left without an end, and every thread has one."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

import owlkit
from owlkit import show_heatmap
from owlkit.inspection.embedding import show_embedding
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.patches import TopPatches
from owlkit_widgets.desk import Desk
from owlkit_widgets.drivers import DriversWidget
from owlkit_widgets.embedding import EmbeddingWidget
from owlkit_widgets.filter_looks import Looks, Wish
from owlkit_widgets.filters import FiltersWidget
from owlkit_widgets.gradients import GradientWidget
from owlkit_widgets.inspector import InspectorWidget
from owlkit_widgets.latest import Latest
from owlkit_widgets.monitor import Monitor
from owlkit_widgets.patches import PatchesWidget
from owlkit_widgets.publisher import Publisher
from tests.widgets.asking import PATIENCE, Held, ask, choose, command, ended, in_thread, settled
from tests.widgets.fake_net import FakeSolver
from tests.widgets.fake_run import FakeRun
from tests.widgets.filter_net import pictures, planted
from tests.widgets.look_net import halves, picture


def maps() -> tuple[Any, Latest[Any], dict[str, Any]]:
    widget = DriversWidget(show_heatmap(halves(), picture(), "ip", 0, progress=False))
    return widget, widget._latest, {"unit": 1}


def patches() -> tuple[Any, Latest[Any], dict[str, Any]]:
    widget = PatchesWidget(TopPatches(planted(), ImageSource(pictures(4)), "relu1", [0]))
    assert widget.settled.wait(PATIENCE)
    return widget, widget._searching, {"layer": "conv2"}


def points() -> tuple[Any, Latest[Any], dict[str, Any]]:
    shown = show_embedding(planted(), pictures(6), "conv2", method="pca", progress=False)
    widget = EmbeddingWidget(shown)
    assert widget.settled.wait(PATIENCE)
    return widget, widget._latest, {"layer": "conv1"}


def state_of(widget: Any) -> str:
    return str((getattr(widget, "scan", None) or getattr(widget, "course", None) or widget.found)["state"])


@pytest.mark.parametrize("make", [maps, patches, points])
class TestStop:
    def test_what_waits_behind_other_work_is_told_to_be_stopped(self, make: Any) -> None:
        """It was dropped, and the widget showed for ever that it works on what came before."""
        widget, latest, choice = make()
        held, work, over = Held(), latest._work, threading.Event()

        def first(wish: Any) -> None:
            latest._work = second
            held()

        def second(wish: Any) -> None:
            try:
                work(wish)
            finally:
                over.set()

        latest._work = first
        latest.want(None)
        assert held.begun.wait(PATIENCE)
        choose(widget, **choice)
        settled(widget)
        ask(widget, {"type": "stop"})
        settled(widget)
        held.go.set()
        assert over.wait(PATIENCE)
        assert state_of(widget) == "stopped"

    def test_a_choice_that_was_made_before_is_not_begun_after(self, make: Any) -> None:
        """Stop is done at once, while the choice waits for what the widget's thread does."""
        widget, latest, choice = make()
        held = Held()
        widget._desk.put(held)
        assert held.begun.wait(PATIENCE)
        choose(widget, **choice)
        ask(widget, {"type": "stop"})
        assert latest.stopped
        held.go.set()
        settled(widget)
        assert latest.stopped


class NoThreads:
    """The system gives none, for the first so many."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refused: int = 1) -> None:
        self.refused, self._start = refused, threading.Thread.start
        monkeypatch.setattr(threading.Thread, "start", lambda thread: self(thread))

    def __call__(self, thread: threading.Thread) -> None:
        if self.refused:
            self.refused -= 1
            raise RuntimeError("can't start new thread")
        self._start(thread)


def of_desk(done: threading.Event) -> Any:
    desk = Desk("test", lambda error: None)
    return lambda: desk.put(done.set)


def of_latest(done: threading.Event) -> Any:
    latest: Latest[int] = Latest(lambda wish: done.set(), lambda wish, error: None, "test")
    return lambda: latest.want(1)


def of_looks(done: threading.Event) -> Any:
    none: Any = None
    looks = Looks(
        none, none, none, lambda content, buffers: done.set()
    )  # without a net it fails, and says so
    return lambda: looks.want(Wish("conv1", 0))


def of_publisher(done: threading.Event) -> Any:
    publisher = Publisher(done.set, lambda: False, period=0.01, heartbeat=0.02)
    return lambda: publisher.wake(urgent=True)


@pytest.mark.parametrize("make", [of_desk, of_latest, of_looks, of_publisher])
def test_where_no_thread_could_be_had_the_next_call_gets_one(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that never began was waited for, and nothing was done any more."""
    done = threading.Event()
    call = make(done)
    NoThreads(monkeypatch)
    with pytest.raises(RuntimeError, match="can't start"):
        call()
    assert not done.is_set()
    call()
    assert done.wait(PATIENCE)


def test_a_page_loads_while_a_run_that_is_brought_to_the_front_waits_for_its_net() -> None:
    held, front, other = Held(), FakeRun(solver=FakeSolver()), FakeRun(solver=FakeSolver())

    @contextmanager
    def at_rest() -> Any:
        held()
        yield

    monitor = Monitor(front, compare=other)
    other.solver.net.at_rest = at_rest  # somebody looks at it, or steps it by hand
    key = monitor.overlay.behind[0].key
    ask(monitor, command(monitor, "select", key))
    assert held.begun.wait(PATIENCE)
    assert ended(in_thread(monitor.get_state))
    assert monitor.recorder.run is front
    held.go.set()
    settled(monitor)
    assert monitor.recorder.run is other


def test_what_went_wrong_in_a_gradient_check_is_told_until_something_works() -> None:
    report = owlkit.check_gradients(halves(), elements=1, progress=False)
    widget = GradientWidget(report)
    ask(widget, {"type": "element", "row": "none"})
    settled(widget)
    assert "ValueError" in widget.head()["error"]
    ask(widget, {"type": "element", "row": 0})
    settled(widget)
    assert widget.head()["error"] == ""


def test_an_inspector_that_is_closed_ends_its_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = owlkit.inspect(halves())
    begun, passes = threading.Event(), []

    def time(told: Any) -> None:
        while True:
            passes.append(1)
            assert len(passes) < 10_000, "nobody ends it"
            begun.set()
            told(len(passes), 10_000)
            threading.Event().wait(0.001)

    monkeypatch.setattr(inspector, "time", time)
    widget = InspectorWidget(inspector)
    ask(widget, {"type": "time"})
    assert begun.wait(PATIENCE)
    widget.close()
    widget._stopwatch.join(PATIENCE)
    assert not widget._stopwatch.running


def test_filters_that_are_closed_end_their_search(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, batches = threading.Event(), []

    def search(*_: Any, on_images: Any, **__: Any) -> Any:
        while True:
            batches.append(1)
            assert len(batches) < 10_000, "nobody ends it"
            begun.set()
            on_images(len(batches))
            threading.Event().wait(0.001)

    monkeypatch.setattr("owlkit_widgets.filter_looks.find_answers", search)
    widget = FiltersWidget(owlkit.show_filters(planted(), "conv1", images=pictures(2)))
    assert begun.wait(PATIENCE)
    looks = widget._looks
    assert looks is not None
    thread = looks._thread
    widget.close()
    assert thread is None or ended(thread)
    assert widget.unit["state"] == "looking", "to be given up is no failure"
    looks.want(Wish("conv1", 1))
    assert looks._thread is None, "what its own thread asks for by now is not begun"


def test_a_gradient_check_that_was_asked_for_again_ends_with_its_widget() -> None:
    report = owlkit.check_gradients(halves(), elements=1, progress=False)
    begun = threading.Event()

    def again() -> None:
        report.course.state = "checking"
        begun.set()
        for _ in range(10_000):
            if report.course.state == "stopping":
                return
            threading.Event().wait(0.001)

    report.again = again  # type: ignore[method-assign,assignment]
    widget = GradientWidget(report)
    ask(widget, {"type": "command", "id": 1, "name": "again"})
    assert begun.wait(PATIENCE)
    widget.close()
    assert report.course.state == "stopping"
    assert widget._checking is not None
    assert ended(widget._checking)


def test_who_sends_while_a_widget_is_closed_has_a_comm_to_the_end() -> None:
    widget, sent = maps()[0], []
    with widget.hold_sync():
        closing = in_thread(widget.close)
        closing.join(0.05)
        widget.said = {"text": "still here", "bad": False}
        sent.append(widget.comm)
    assert ended(closing)
    assert sent[0] is not None
    assert widget.comm is None


def test_what_a_page_asks_for_before_its_widget_is_made_is_answered() -> None:
    """A page loads its code, and asks for the small pictures, while the constructor is still at work."""
    sent: list[Any] = []

    class Early(EmbeddingWidget):
        def open(self) -> None:
            super().open()
            ask(self, {"type": "thumbnails"})
            choose(self, layer="conv1")
            settled(self)

        def send(self, content: Any, buffers: Any = None) -> None:
            sent.append(content)

    shown = show_embedding(planted(), pictures(6), "conv2", method="pca", progress=False)
    widget = Early(shown)
    assert sent == [{"type": "thumbnails"}]
    assert widget.settled.wait(PATIENCE)
    assert (widget.facts["layer"], widget.said) == ("conv1", {})
