"""The figures of a monitor's header and footer: what they are, when they are due, which the page knows."""

from __future__ import annotations

import time
from typing import Any

from .overlay import Overlay
from .publisher import Publisher
from .subject import line

PERIOD = 0.5
"""Seconds between updates of the header's figures."""
MEASURED = 3.0
"""Seconds of training before the monitor says what it costs: at first it is mostly being opened."""
UNKNOWN = object()


class Figures:
    """Of the run in front, with what the monitor costs. All but `forget` by who holds the monitor's lock."""

    def __init__(self, overlay: Overlay, publisher: Publisher) -> None:
        self._overlay, self._publisher = overlay, publisher
        self._updates = self._bytes = 0
        self._due = 0.0
        self._told: dict[str, Any] = {}  # what the page knows
        self._forgotten = False  # it knows nothing of it

    def count_update(self, nbytes: int) -> None:
        """An update of a curve that is sent."""
        self._updates += 1
        self._bytes += nbytes

    def count_bytes(self, nbytes: int) -> None:
        """What is sent beside it."""
        self._bytes += nbytes

    def forget(self) -> None:
        """Tell all of them next time, changed or not."""
        self._forgotten = True

    def are_due(self, at_once: bool) -> bool:
        """Whether they are to be told now; if so, the next time is half a second later."""
        now = time.perf_counter()
        if not at_once and now < self._due:
            return False
        self._due = now + PERIOD
        return True

    def news(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Those of `figures` that the page does not know, and will know now."""
        if self._forgotten:
            self._forgotten, self._told = False, {}
        changed = {key: value for key, value in figures.items() if self._told.get(key, UNKNOWN) != value}
        self._told = figures
        return changed

    def measure(self) -> dict[str, Any]:
        """All of them, as the trait `figures` has them."""
        front, subjects = self._overlay.front, list(self._overlay)
        figures, panels = front.recorder.figures(), front.open_panels()
        spent = sum(subject.cost_seconds for subject in subjects) + self._publisher.cpu_seconds
        seconds = figures["seconds"]
        return figures | {
            "health": panels.health.row(),
            "references": [line(subject.run, subject.key) for subject in self._overlay.behind],
            "monitor": {
                "share": min(1.0, spent / seconds) if seconds >= MEASURED else None,
                "updates_per_second": min(5.0, self._updates / seconds) if seconds >= MEASURED else 0.0,
                "bytes_per_update": self._bytes / max(1, self._updates),
                "history_bytes": 20 * sum(subject.recorder.points.n for subject in subjects) + panels.nbytes,
            },
        }
