"""The live monitor of a run: the kernel's half of the widget (the browser's half is widgets/js).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``run``      {name, detail, max_iter, checklist: [{done, text}], tests: names of the test nets,
  layers, filters: see `watched.Watched`}
- ``status``   {state, since, problem: {title, detail} | None}
- ``figures``  what the header and the footer show, and which layers need a look, twice a second; unknown is
  None
- ``history``  the whole run, decimated: {total, n, columns, data, tests, flags, panels}. It is made when it
  is asked for (a page loads), and sent only then and when the run ends.
- ``view``     browser to kernel: smoothing, log, zoom, hidden, pinned, table, and what the panels show; kept
  for the next load

Messages, kernel to browser:

- ``{type: "append", first, count, n, columns, tests_first, tests, flags_first, flags}`` + one buffer, at most
  five times a second: n rows as columns one after the other, uint32 iterations, then float32 ``mean, lr``
  (every iteration) or ``mean, lo, hi, lr`` (buckets). ``*first`` say how many came before, so that the
  browser sees a gap.
- ``{type: "norms" | "frame" | "histogram", ...}`` + one buffer: what the panels show, see `panels.Panels`
- ``{type: "answer", id, ok, error}``: a command was carried out or refused
- ``{type: "alive"}`` every three seconds without other news, while the run can go on; without a word for ten
  seconds the browser shows "Disconnected"

Messages, browser to kernel: ``{type: "hello"}``, ``{type: "resync"}`` after a gap (`history` is sent then),
and ``{type: "command", id, name, value}`` with the names of `commands.Controls`.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from .assets import asset
from .commands import Controls
from .panels import Panels
from .publisher import Publisher
from .recorder import Recorder

FIGURES_PERIOD = 0.5
"""Seconds between updates of the header's figures."""


def _whole(_value: Any, widget: Monitor) -> dict[str, Any]:
    """Serialiser of `history`: the recorder's present state instead of a stored copy."""
    return widget.recorder.history() | {"panels": widget.panels.history()}


class Monitor(anywidget.AnyWidget):  # type: ignore[misc,unused-ignore]
    """Header, controls and loss chart of one run.

    run : anything with `.name .iter .max_iter .state .subscribe(listener)` and the controls of a Run.
    on_end : called with the monitor each time the run has ended and the last values are out.
    """

    _esm = asset("monitor.js")
    _css = asset("monitor.css")

    uid: Any = traitlets.Unicode().tag(sync=True)
    run: Any = traitlets.Dict().tag(sync=True)
    status: Any = traitlets.Dict().tag(sync=True)
    figures: Any = traitlets.Dict().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)
    history: Any = traitlets.Int(0).tag(sync=True, to_json=_whole, from_json=lambda value, widget: 0)

    def __init__(self, run: Any) -> None:
        self.recorder = Recorder(run)
        self.panels = Panels(run)
        self.seen = False  # a browser has shown it
        self._controls = Controls(run, self.recorder)
        self.on_end: list[Callable[[Monitor], None]] = []
        self._sending = threading.RLock()
        self._picture: bytes | None = None
        self._updates = self._bytes = 0
        self._figures_due = 0.0
        self._publisher = Publisher(self.publish, self._heartbeat)
        super().__init__(
            uid=uuid.uuid4().hex,
            run=describe(run) | self.panels.describe(),
            status=self.recorder.status(),
            figures=self._measure(),
        )
        self.on_msg(self._receive)
        with self.recorder.lock:  # what happens meanwhile waits until the past is in
            self._unsubscribe = run.subscribe(self._listen)
            self.recorder.catch_up(getattr(run, "history", None))
        self.publish()

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<monitor of {self.run.get('name', 'a run')}: {self.status.get('state')}>"

    # -- events of the run ---------------------------------------------------------------------------------

    def _listen(self, event: Any) -> None:
        self.recorder(event)
        if type(event).__name__ == "StateChanged" and self.recorder.over:
            self._end()
        else:
            self._publisher.wake()

    def _end(self) -> None:
        """The run is over: everything goes out before whoever waits for the run goes on."""
        self.publish(last=True)
        with self._sending:
            self.send_state("history")  # a page that saves the widget's state has the complete curve
        self._picture = None
        for listener in self.on_end:
            listener(self)

    def picture(self) -> bytes:
        """PNG of the monitor as it stands, light theme, without controls. Needs matplotlib."""
        if self._picture is None:
            from .picture import draw

            self._picture = draw(self)
        return self._picture

    # -- to the browser ------------------------------------------------------------------------------------

    def publish(self, last: bool = False) -> None:
        """Send what is new: the curve now, figures and state where they are due."""
        with self._sending:
            status = self.recorder.status()
            changed = status != self.status
            update = self.recorder.take()
            if update is not None:
                message, data = update
                self.send(message, buffers=[data])
                self._updates += 1
                self._bytes += len(data) + 160 + 60 * (len(message["tests"]) + len(message["flags"]))
            for message, data in self.panels.take():
                self.send(message, buffers=[data])
                self._bytes += len(data) + 60 if message["type"] == "norms" else 0
            now = time.perf_counter()
            if last or changed or now >= self._figures_due:
                self._figures_due = now + FIGURES_PERIOD
                self.figures = self._measure()
            if changed:
                self.status = status

    def _heartbeat(self) -> bool:
        """Say that the kernel is there, from a thread: also while a long cell or a slow iteration runs."""
        if self.recorder.over:
            return False
        with self._sending:
            self.send({"type": "alive"})
        return True

    def _measure(self) -> dict[str, Any]:
        figures = self.recorder.figures()
        spent = self.recorder.cost_seconds + self.panels.cost_seconds + self._publisher.cpu_seconds
        seconds = figures["seconds"]
        updates = max(1, self._updates)
        return figures | {
            "health": self.panels.health.row(),
            "monitor": {
                "share": min(1.0, spent / seconds) if seconds > 0 else 0.0,
                "updates_per_second": min(5.0, self._updates / seconds) if seconds > 1 else 0.0,
                "bytes_per_update": self._bytes / updates,
                "history_bytes": 20 * self.recorder.points.n,
            },
        }

    # -- from the browser ----------------------------------------------------------------------------------

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "hello":
            self.seen = True
        elif kind == "resync":
            with self._sending:
                self.send_state("history")
        elif kind == "command":
            error = self._controls.obey(content["name"], content.get("value"))
            self.send({"type": "answer", "id": content["id"], "ok": error is None, "error": error})
            self._publisher.wake()

    def close(self) -> None:
        """Let go of the run."""
        self._unsubscribe()
        self.panels.remove()
        super().close()


def describe(run: Any) -> dict[str, Any]:
    """The `run` trait."""
    checklist = [{"done": True, "text": text} for text in [_net_line(run)] if text]
    checklist.append({"done": False, "text": "First iteration"})
    return {
        "name": str(getattr(run, "name", None) or "run"),
        "detail": "",
        "max_iter": int(run.max_iter or 0),
        "checklist": checklist,
    }


def _net_line(run: Any) -> str:
    params = getattr(getattr(run, "net", None), "params", None)
    if not params:
        return ""
    count = sum(blob.count for blobs in params.values() for blob in blobs)
    return f"Net built: {len(params)} layers with weights, {count:,} parameters".replace(",", "\u202f")
