"""Messages between widgets and the browser: where they go while a cell runs, and when a kernel ends."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import anywidget
import pytest

from owlkit_widgets import comms
from owlkit_widgets.activations import ActivationsWidget
from owlkit_widgets.drivers import DriversWidget
from owlkit_widgets.embedding import EmbeddingWidget
from owlkit_widgets.filters import FiltersWidget
from owlkit_widgets.gradients import GradientWidget
from owlkit_widgets.inspector import InspectorWidget
from owlkit_widgets.monitor import Monitor
from owlkit_widgets.patches import PatchesWidget

from .fake_run import FakeRun

ALL = [
    ActivationsWidget, DriversWidget, EmbeddingWidget, FiltersWidget,
    GradientWidget, InspectorWidget, Monitor, PatchesWidget,
]  # fmt: skip


def test_all_widgets_answer_while_a_cell_runs() -> None:
    assert set(ALL) == set(comms.LiveWidget.__subclasses__())


def test_messages_go_where_the_browser_says_while_the_kernel_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A message that came just then went to the thread of the cell, and waited for its end."""
    ipykernel = pytest.importorskip("ipykernel.comm.comm")
    if not hasattr(ipykernel.BaseComm, "_reply_subshell_for"):
        pytest.skip("ipykernel 7.4 was the first to look at who has sent")
    asked: list[Any] = []

    def sent(*_: Any, **__: Any) -> None:
        asked.append(comm._reply_subshell_for({"method": "custom"}, "named by the page"))

    of_a_cell = {"header": {"msg_id": "1"}}  # no subshell: the main thread's
    kernel = SimpleNamespace(
        get_parent=lambda: of_a_cell, session=SimpleNamespace(send=sent), iopub_socket=None
    )
    monkeypatch.setattr(ipykernel.Kernel, "initialized", classmethod(lambda cls: True))
    monkeypatch.setattr(ipykernel.BaseComm, "kernel", kernel)
    comm = ipykernel.BaseComm.__new__(ipykernel.BaseComm)

    def made(**words: Any) -> Any:
        comm.__init__(**words)
        return comm

    monkeypatch.setattr("comm.create_comm", made)
    monitor = Monitor(FakeRun())
    asked.clear()  # nobody can answer while it is made
    monitor.send({"type": "alive"})
    assert asked == ["named by the page"]
    assert comm._reply_subshell_for({}, None) is None


def test_nothing_is_sent_when_the_kernel_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that is cut short then garbles the next one, of which the page complains."""
    messages: list[Any] = []
    monkeypatch.setattr(anywidget.AnyWidget, "_send", lambda self, msg, buffers=None: messages.append(msg))
    monitor = Monitor(FakeRun())
    monitor.send({"type": "news", "parts": []})
    assert messages
    messages.clear()
    monkeypatch.setattr(comms, "kernel_ends", lambda: True)
    monitor.send({"type": "news", "parts": []})
    assert not messages


def test_a_process_that_ends_is_known_to_end() -> None:
    told = "import atexit; from owlkit_widgets.comms import kernel_ends as ends; "
    told += "atexit.register(lambda: print(ends())); print(ends())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_ipython_is_not_told_that_a_cell_ends_by_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """It showed the figure that a cell was drawing, in no cell, and closed it."""
    base_comm = pytest.importorskip("comm.base_comm")
    told: list[str] = []
    shell = SimpleNamespace(events=SimpleNamespace(trigger=told.append))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(base_comm.BaseComm, "publish_msg", lambda *_, **__: None)
    monkeypatch.setattr("comm.create_comm", base_comm.BaseComm)
    monitor = Monitor(FakeRun())
    seen: list[Any] = []
    monkeypatch.setattr(monitor, "_receive", lambda *given: seen.append(given))
    monitor.comm.handle_msg(
        {"content": {"data": {"method": "custom", "content": {"type": "x"}}}, "buffers": []}
    )
    assert monitor._desk.wait(10)
    assert seen
    assert not told
