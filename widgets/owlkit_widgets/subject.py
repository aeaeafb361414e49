"""One of the runs in a monitor: what it has done, what its buttons do, what of its net is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import words
from .commands import Controls
from .panels import Panels
from .publisher import period_of
from .recorder import Recorder
from .snapshot_places import whole_prefix


class Subject:
    """A run, listened to from now on and caught up with what it did before.

    run : with `.name .iter .max_iter .state .subscribe(listener, every=, after=)` and a Run's controls.
    key : tells it from other runs, for the browser. heard : called with (subject, event) after each event,
        all_heard without arguments after the last of those that came together.
    panels : None until `open_panels`, since they take samples of the net; only a run in front has them.
    """

    def __init__(
        self, run: Any, key: str, heard: Callable[[Subject, Any], None], all_heard: Callable[[], None]
    ) -> None:
        self.run, self.key = run, key
        self.recorder = Recorder(run)
        self.controls = Controls(run, name_of(run), self.recorder)
        self.panels: Panels | None = None
        self._heard, self._all_heard = heard, all_heard
        self._unsubscribe: Callable[[], None] = lambda: None
        with self.recorder.lock:  # what happens meanwhile waits until the past is in
            self.listen()
            self.recorder.catch_up(getattr(run, "history", None))

    def listen(self) -> None:
        """Hear of what the run does, as often as there is something to send."""
        self._unsubscribe = self.run.subscribe(
            self._listen, every=lambda: period_of(self.recorder.iteration_seconds), after=self._all_heard
        )

    def open_panels(self) -> Panels:
        """Its panels, from the first call on."""
        if self.panels is None:
            self.panels = Panels(self.run)
        return self.panels

    def _listen(self, event: Any) -> None:
        self.recorder(event)
        self._heard(self, event)

    @property
    def name(self) -> str:
        """The run's name."""
        return name_of(self.run)

    @property
    def cost_seconds(self) -> float:
        """Seconds spent on events and samples."""
        return self.recorder.cost_seconds + (self.panels.cost_seconds if self.panels else 0.0)

    def take_rewound(self) -> bool:
        """Whether what was sent before does not hold any more, since the last call: send all of it again."""
        rewound = self.recorder.take_rewound()
        return (self.panels is not None and self.panels.take_rewound()) or rewound

    def close(self) -> None:
        """Let go of the run."""
        self._unsubscribe()
        if self.panels is not None:
            self.panels.remove()


def describe(subject: Subject) -> dict[str, Any]:
    """The `run` trait."""
    run = subject.run
    checklist = [{"done": True, "text": text} for text in [_net_line(run)] if text]
    checklist.append({"done": False, "text": "First iteration"})
    return {
        "key": subject.key,
        "name": subject.name,
        "detail": f"run {subject.key}",
        "max_iter": int(run.max_iter or 0),
        "checklist": checklist,
        "snapshots": whole_prefix(run),
    } | subject.open_panels().describe()


def _net_line(run: Any) -> str:
    params = getattr(getattr(run, "net", None), "params", None)
    if not params:
        return ""
    count = sum(blob.count for blobs in params.values() for blob in blobs)
    return f"Net built: {len(params)} layers with weights, {words.integer(count)} parameters"


def line(run: Any, key: str) -> dict[str, Any]:
    """What is said of a run that is not in front: {key, name, state, iter, max_iter}."""
    limit = int(run.max_iter or 0)
    return {"key": key, "name": name_of(run), "state": run.state, "iter": int(run.iter), "max_iter": limit}


def name_of(run: Any) -> str:
    """The run's name; "run" where it has none."""
    return str(getattr(run, "name", None) or "run")
