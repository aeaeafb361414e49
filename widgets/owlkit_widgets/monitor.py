"""The live monitor of a run: the kernel's half of the widget (the browser's half is widgets/js).

Traits, kernel to browser (they come back whole when a page is loaded again):

One run is in front: header, controls and panels are its own. Others are laid over its curve (`references`).

- ``run``      {key, name, detail, max_iter, checklist: [{done, text}], snapshots: what their paths start
  with, layers, filters: see `watched.Watched`}: the run in front; `key` tells it from others
- ``status``   {state, since, problem: {title, detail, layer, back, hint} | None}: `layer` is the first guilty
  one, "" where there is none, `back` the iteration of the
  snapshot that can be gone back to, `hint` says what to do where there is none
- ``figures``  what the header and the footer show, which layers need a look, and how far the references are;
  unknown is None. A page that loads gets them all, later they come with the news, twice a second at most
- ``history``  the whole run, decimated: {total, n, columns, data, tests, flags, abandoned, panels}. It is
  made when it is asked for (a page loads), and sent only then, when the run ends, and when it has gone back.
  `flags` are what happened; a snapshot has its `path`, one that could not be written is "unsaved".
  `abandoned` are the parts given up by going back: see `branches.Branch.row`
- ``references`` the other runs, like `history`: a list of {key, name, state, iter, max_iter, total, ...}
- ``view``     browser to kernel: smoothing, log, zoom, hidden, pinned, table, and what the panels show; kept
  for the next load

Messages, kernel to browser:

- ``{type: "news", parts}`` + a buffer for each part but figures, at most five times a second: all that is new
  in one message, because each costs the kernel a quarter of a millisecond. Parts are
  ``{type: "append", first, count, n, columns, tests_first, tests, flags_first, flags}``: n rows as columns
  one after the other, uint32 iterations, then float32 ``mean, lr`` (every iteration) or ``mean, lo, hi, lr``
  (buckets). ``*first`` say how many came before, so that the browser sees a gap. Of a reference it has
  ``of``, its key;
  ``{type: "norms" | "frame" | "histogram", ...}``: what the panels show, see `panels.Panels`;
  ``{type: "figures", changed}``, the last one: those of the `figures` that have changed
- ``{type: "answer", id, ok, error, value}``: a command was carried out or refused
- ``{type: "alive"}`` every three seconds without other news, while the run can go on; without a word for ten
  seconds the browser shows "Disconnected"

Messages, browser to kernel: ``{type: "hello"}``, ``{type: "resync"}`` after a gap (`history` is sent then),
and ``{type: "command", id, name, value, run, state}`` with the names of `commands.Controls`, for the run with
the key that the page showed in front, in that state, when the button was pressed; or with ``runs`` (the value
is a list of runs that can be added), ``compare``, ``drop`` and ``select``, whose value is a key.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import traitlets

from owlkit.training.registry import find_all

from .assets import STYLES, asset
from .comms import LiveWidget
from .monitor_figures import Figures
from .orders import Orders
from .overlay import Overlay
from .panels import Panels
from .publisher import Publisher
from .recorder import Recorder
from .subject import Subject, describe, line


def _whole(_value: Any, widget: Monitor) -> dict[str, Any]:
    """Serialiser of `history`: the recorder's present state instead of a stored copy."""
    return widget.recorder.history() | {"panels": widget.panels.history()}


def _references(_value: Any, widget: Monitor) -> list[dict[str, Any]]:
    """Serialiser of `references`."""
    return [line(s.run, s.key) | s.recorder.history() for s in widget.overlay.behind]


class Monitor(LiveWidget):
    """Header, controls, loss chart and panels of one run, with others laid over its curve.

    run : with `.name .iter .max_iter .state .subscribe(listener, every=, after=)` and a Run's controls.
    compare : further runs, at most three.
    on_end : called with the monitor each time a run has ended and its last values are out.
    """

    _esm = asset("monitor.js")
    _css = asset(STYLES)

    uid: Any = traitlets.Unicode().tag(sync=True)
    run: Any = traitlets.Dict().tag(sync=True)
    status: Any = traitlets.Dict().tag(sync=True)
    figures: Any = traitlets.Dict().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)
    history: Any = traitlets.Int(0).tag(sync=True, to_json=_whole, from_json=lambda value, widget: 0)
    references: Any = traitlets.Int(0).tag(sync=True, to_json=_references, from_json=lambda value, widget: 0)

    def __init__(self, run: Any, compare: Any = None) -> None:
        self.seen = False  # a browser has shown it
        self.on_end: list[Callable[[Monitor], None]] = []
        self._picture: bytes | None = None
        self._send_figures = False
        self._urgent = False  # a state has changed: who pressed pause waits for that
        self._publisher = Publisher(self.publish, self._heartbeat)
        self._ready = False  # events that come before are in what the browser gets first; none after `close`
        self.overlay = Overlay(run, self._heard, self._all_heard)
        self._figures = Figures(self.overlay, self._publisher)
        self._orders = Orders(self)
        super().__init__(
            uid=uuid.uuid4().hex,
            run=describe(self.overlay.front),
            status=self.recorder.status(),
            figures=self._figures.measure(),
        )
        self.observe(self._look, "view")
        self._ready = True
        self.compare(*find_all(compare, but=run))
        self.publish()

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        others = ", ".join(subject.name for subject in self.overlay.behind)
        compared = f", compared with {others}" if others else ""
        state = self.status.get("state")
        reached = f" at iteration {int(self.recorder.run.iter)}" if state == "running" else ""
        return f"<monitor of {self.run.get('name', 'a run')}: {state}{reached}{compared}>"

    @property
    def recorder(self) -> Recorder:
        """Of the run in front."""
        return self.overlay.front.recorder

    @property
    def panels(self) -> Panels:
        """Of the run in front."""
        return self.overlay.front.open_panels()

    # -- several runs --------------------------------------------------------------------------------------

    def compare(self, *runs: Any) -> None:
        """Lay further runs over the curve. Raises ValueError where they would be more than four."""
        with self._lock:
            if self.overlay.add(*runs):
                self._show_references()

    def select(self, key: str) -> None:
        """Bring the run with that key to the front: header, controls and panels are its own from now on."""
        self.overlay.open_panels(key)  # before the lock is taken, as it may wait for a look at the net
        with self._lock:
            self.overlay.select(key)
            self._send_figures = True  # all in one message: no page shows a run beside another's figures
            with self.hold_sync():
                self.run, self.status = describe(self.overlay.front), self.recorder.status()
                self.figures = self._figures.measure()
                self.history += 1
                self.references += 1
            self._send_figures = False
            self._picture = None
            self._tell_anew()
        self._look()

    def drop(self, key: str) -> None:
        """Take away a run behind. Raises ValueError where there is none with that key."""
        with self._lock:
            self.overlay.drop(key)
            self._show_references()

    def _show_references(self) -> None:
        self._picture = None
        self.references += 1
        self._tell_anew()

    def _look(self, _change: Any = None) -> None:
        """Histograms are taken of the layers that are open in the browser."""
        if self.panels.watch(list(self.view.get("layerOpen", []))):
            self._publisher.wake()

    # -- events of the runs --------------------------------------------------------------------------------

    def _heard(self, subject: Subject, event: Any) -> None:
        if not self._ready or type(event).__name__ != "StateChanged":
            return
        self._urgent = True
        if subject.recorder.over:
            self._end(subject)

    def _all_heard(self) -> None:
        urgent, self._urgent = self._urgent, False
        if self._ready:
            self._publisher.news(urgent)

    def _end(self, subject: Subject) -> None:
        """A run is over: everything goes out before whoever waits for the run goes on."""
        if subject.panels is not None:
            subject.panels.last_look()
        self.publish(last=True)
        with self._lock:
            # A page that saves the widget's state has the complete curves.
            self.send_state(["figures", "history", "references"])
        self._picture = None
        for listener in self.on_end:
            listener(self)

    def picture(self) -> bytes:
        """PNG of the monitor as it stands, light theme, without controls. Needs matplotlib."""
        picture = self._picture
        if picture is None:
            from .picture import draw

            picture = self._picture = draw(self)
        return picture

    # -- to the browser ------------------------------------------------------------------------------------

    def notify_change(self, change: Any) -> None:
        """Send a trait that has changed, as widgets do; the figures otherwise go out with the news."""
        if change["name"] != "figures" or self._send_figures:
            super().notify_change(change)

    def publish(self, last: bool = False) -> None:
        """Send what is new: the curves now, figures and state where they are due."""
        with self._lock:
            if not self._ready:
                return
            status = self.recorder.status()
            changed = status != self.status
            parts = [part for subject in self.overlay for part in self._take(subject)]
            news, buffers = [part for part, _ in parts], [data for _, data in parts]
            if self._figures.are_due(at_once=last or changed):
                self.figures = self._figures.measure()
                news.append({"type": "figures", "changed": self._figures.news(self.figures)})
            if news:
                self.send({"type": "news", "parts": news}, buffers=buffers)
            if changed:
                self.status = status

    def _take(self, subject: Subject) -> list[tuple[dict[str, Any], bytes]]:
        """What is new of a run, as parts of a message with their buffers."""
        front = subject is self.overlay.front
        panels = subject.panels.take() if subject.panels is not None else []
        if subject.take_rewound():
            self.send_state("history" if front else "references")
        update = subject.recorder.take()
        self._figures.count_bytes(
            sum(len(data) + 60 for part, data in panels if front and part["type"] == "norms")
        )
        if update is None:
            return panels if front else []
        part, data = update
        self._figures.count_update(len(data) + 160 + 60 * (len(part["tests"]) + len(part["flags"])))
        return [update, *panels] if front else [(part | {"of": subject.key}, data)]

    def _heartbeat(self) -> bool:
        """Say that the kernel is there, from a thread: also while a long cell or a slow iteration runs."""
        if self.overlay.over or not self._ready:
            return False
        with self._lock:
            self.send({"type": "alive"})
        return True

    # -- from the browser ----------------------------------------------------------------------------------

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "hello":
            self.seen = True
            self._tell_anew()
        elif kind == "resync":
            with self._lock:
                self.send_state(["history", "references"])
                self._tell_anew()
        elif kind == "command":
            self._orders.obey(content)

    def _press(self, content: dict[str, Any]) -> bool:
        return content.get("type") == "command" and self._orders.press(content)

    def answer(self, answer: dict[str, Any]) -> None:
        """Send the answer to a command, and soon all figures."""
        self.send(answer)
        self._figures.forget()  # until then a page shows what it hopes that the command has done
        self._publisher.wake()

    def _tell_anew(self) -> None:
        """Send all figures, changed or not: a page is new, or shows another run."""
        with self._lock:
            self._figures.forget()
            self.publish(last=True)

    def close(self) -> None:
        """Let go of the runs."""
        with self._lock:
            if self._ready:
                self.overlay.close()
            self._ready = False
        super().close()
