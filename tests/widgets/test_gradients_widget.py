"""The gradient check's kernel half: what is sent, what buttons do, the code that reproduces, the picture."""

from __future__ import annotations

import importlib.util
import io
import time
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.inspection.gradcheck.probe import Slot
from owlkit.inspection.gradcheck.report import GradientReport
from owlkit.inspection.gradcheck.result import BlobCheck
from owlkit.inspection.gradcheck.settings import Settings

if importlib.util.find_spec("anywidget") is None:
    pytest.skip("needs anywidget (extra notebook)", allow_module_level=True)

from owlkit_widgets.assets import STATIC

if not (STATIC / "gradients.js").is_file():
    pytest.skip("the browser bundle is not built: python widgets/hatch_build.py", allow_module_level=True)

from owlkit.core import frontends
from owlkit_widgets import gradient_cells, reproduce
from owlkit_widgets.frontend import WIDGET_VIEW, Frontend
from owlkit_widgets.gradients import GradientWidget

from .gradient_nets import small

Sent = list[tuple[dict[str, Any], list[bytes]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Custom messages that widgets send."""
    messages: Sent = []
    monkeypatch.setattr(
        GradientWidget, "send", lambda self, content, buffers=None: messages.append((content, buffers or []))
    )
    monkeypatch.setattr(GradientWidget, "send_state", lambda self, key=None: None)
    return messages


def watched(
    monkeypatch: pytest.MonkeyPatch, definition: object, act: Any = None, **options: Any
) -> GradientWidget:
    """The widget of a check that runs as in a notebook; `act(widget)` is called after each element."""
    widgets: list[GradientWidget] = []

    class Stand:
        def display(self, report: GradientReport) -> bool:
            widgets.append(GradientWidget(report, "owlkit.check_gradients(net, seed=3)"))
            if act:
                report.course.listeners.append(lambda: act(widgets[0]))
            return True

    monkeypatch.setattr(frontends, "find", Stand)
    owlkit.check_gradients(definition, **options)
    return widgets[0]


def ask(widget: GradientWidget, name: str, value: Any = None) -> None:
    widget._receive(widget, {"type": "command", "id": 5, "name": name, "value": value}, [])


def replay(sent: Sent) -> tuple[dict[int, dict[str, Any]], dict[int, np.ndarray]]:
    """(rows, codes) as a browser has them that heard all messages."""
    rows: dict[int, dict[str, Any]] = {}
    codes: dict[int, np.ndarray] = {}
    for message, buffers in sent:
        if message["type"] != "update":
            continue
        rows |= {int(place): row for place, row in message["rows"].items()}
        data, at = np.frombuffer(buffers[0], np.uint8), 0
        for cell in message["cells"]:
            first, n = cell["first"], cell["n"]
            old = codes.get(cell["row"], np.zeros(0, np.uint8))
            new = np.zeros(max(old.size, first + n), np.uint8)
            new[: old.size] = old
            new[first : first + n] = data[at : at + n]
            codes[cell["row"]], at = new, at + n
    return rows, codes


def test_what_a_saved_notebook_says_of_a_check_that_had_just_begun(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words stay as they were when the cell showed it: not "nothing was checked"."""
    words: list[str] = []
    show = GradientWidget.__init__

    def made(self: GradientWidget, *args: Any) -> None:
        show(self, *args)
        words.append(repr(self))

    monkeypatch.setattr(GradientWidget, "__init__", made)
    widget = watched(monkeypatch, small("TanH"), elements=2, seed=1)
    assert words == [f"<gradients of {widget.report.name}, checked live>"]
    assert repr(widget) == f"<{widget.report.title}>"


def test_the_messages_add_up_to_the_whole(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit_widgets.gradients.PERIOD", 0.0)
    widget = watched(monkeypatch, small("HastySoftsign"), elements=10)
    whole = widget.everything()
    rows, codes = replay(sent)
    assert [rows[i] for i in sorted(rows)] == whole["rows"]
    assert b"".join(codes[i].tobytes() for i in sorted(codes)) == whole["codes"]
    assert [row["verdict"] for row in whole["rows"] if row["layer"] == "act"] == ["wrong"]
    assert whole["head"]["done"] == sum(row["done"] for row in whole["rows"]) == whole["head"]["total"]
    waiting = [row["verdict"] for row in sent[0][0]["rows"].values()]
    assert set(waiting) == {"waits"}, "what is to come is there from the start"


def test_updates_are_few_and_small(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.perf_counter()
    watched(monkeypatch, small(), elements=60)
    updates = [buffers for message, buffers in sent if message["type"] == "update"]
    assert len(updates) <= 4 + 10 * (time.perf_counter() - start)
    assert sum(len(part) for buffers in updates for part in buffers) < 20_000


def test_buttons(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = watched(monkeypatch, small(), act=lambda w: ask(w, "stop") if w.report.rows else None)
    assert widget.report.interrupted
    assert widget.head()["interrupted"]
    sent.clear()
    ask(widget, "pause")
    ask(widget, "dance")
    answers = [message for message, _ in sent if message["type"] == "answer"]
    assert answers[0] == {"type": "answer", "id": 5, "ok": False, "error": "the check is over"}
    assert "unknown command 'dance'" in answers[1]["error"]


def test_check_again_starts_anew(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = watched(monkeypatch, small(), elements=5)
    sent.clear()
    ask(widget, "again")
    end = time.monotonic() + 10
    while {"type": "again"} not in [message for message, _ in sent] or widget.head()["state"] != "done":
        assert time.monotonic() < end
        time.sleep(0.01)
    start = [message for message, _ in sent].index({"type": "again"})
    while sent[-1][0]["head"]["state"] != "done":
        time.sleep(0.01)
    rows, _ = replay(sent[start:])
    assert len(rows) == 13
    assert {row["verdict"] for row in rows.values()} == {"passes"}


def test_an_element_is_measured_at_other_steps(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = watched(monkeypatch, small(), elements=5)
    sent.clear()
    widget._receive(widget, {"type": "element", "row": 1, "k": 2}, [])
    assert widget._looking is not None
    widget._looking.join(20)
    told, curve = (message for message, _ in sent)
    assert (told["type"], told["row"], told["k"]) == ("element", 1, 2)
    assert told["code"].startswith("owlkit.check_gradients(\n    net, seed=3,\n")
    assert curve["type"] == "curve"
    assert min(error for _, error in curve["curve"]) < 1e-8


# -- codes
def check(errors: list[float], kinks: list[int] = [], analytic: float = 1.0) -> BlobCheck:  # noqa: B006
    n = len(errors)
    row = BlobCheck(
        "ip", "InnerProduct", Slot(True, 0), (n,), 1e-5, np.arange(n), np.full(n, analytic), np.ones(n)
    )
    row.error[:], row.done = errors, n
    row.kink[kinks] = True
    return row


def test_codes_flip_at_the_tolerance() -> None:
    codes = gradient_cells.codes(check([0, 1e-13, 1e-5, 1.001e-5, 1, 2, float("inf")], [3]), True)
    assert codes[:3].tolist() == [4, 4, 131]
    assert codes[3] == gradient_cells.KINK
    assert codes[4:].tolist() == [255, 255, 255]
    assert gradient_cells.codes(check([1e-3]), False).tolist() == [gradient_cells.PENDING]
    assert gradient_cells.codes(check([1.0], analytic=float("nan")), True).tolist() == [2]


# -- reproducing
def test_the_call_is_taken_from_the_cell() -> None:
    cell = "net = build()\nreport = owl.check_gradients(net, elements=9, layers=['a'], step=1e-6, seed=s + 1)"
    assert reproduce.code(cell, "ip", "blobs[0]", (2, 3)) == (
        "owl.check_gradients(\n    net, step=1e-06, seed=s + 1,\n"
        '    layers=["ip"], blob="blobs[0]",\n    at=(2, 3),\n)'
    )
    assert reproduce.code("check_gradients(layer, [x])", None, "b0", (4,)).startswith(
        'check_gradients(\n    layer, [x],\n    blob="b0"'
    )


@pytest.mark.parametrize("cell", ["", "%%time\nx", "a = check_gradients(n); b = check_gradients(m)"])
def test_without_one_call_it_is_about_net(cell: str) -> None:
    assert reproduce.code(cell, "ip", "blobs[0]", ()).startswith("owlkit.check_gradients(\n    net,\n")


# -- pictures
def test_the_picture_and_the_mime_types() -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    report = owlkit.check_gradients(small("HastySoftsign"), progress=False)
    bundle = Frontend.mimebundle(report)
    assert bundle is not None
    assert set(bundle) == {"text/plain", WIDGET_VIEW, "image/png"}
    assert "wrong: act" in bundle["text/plain"]
    png = GradientWidget(report).picture()
    assert image.open(io.BytesIO(png)).size[0] == 2200
    assert len(png) < 200_000


def test_a_picture_of_nothing_and_of_much() -> None:
    pytest.importorskip("matplotlib")
    from owlkit_widgets.gradient_picture import draw

    report = GradientReport("empty", Settings())
    assert draw(report)[:4] == b"\x89PNG"
    report.rows += [check([1e-9] * 300) for _ in range(60)]
    report.rows[50].error[:] = 0.5
    assert draw(report)[:4] == b"\x89PNG"
