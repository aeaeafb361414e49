"""What a run has seen so far: columns that grow, tests, interventions. Readable from any thread at any
time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from owlkit.core import events

_DTYPES = {"iter": np.int64, "images": np.int64}
COLUMNS = ("iter", "loss", "smoothed_loss", "lr", "seconds", "data_seconds", "images")


@dataclass(frozen=True)
class Abandoned:
    """What a training had done when it went back to `iter`: the part after it, which does not count any more.

    columns : those of History, read-only. tests, interventions, snapshots : events after `iter`.
    divergence : the Diverged event that ended it, or None.
    """

    iter: int
    columns: dict[str, np.ndarray]
    tests: list[events.TestDone] = field(default_factory=list)
    interventions: list[events.Intervention] = field(default_factory=list)
    snapshots: list[events.SnapshotWritten] = field(default_factory=list)
    divergence: events.Diverged | None = None


class History:
    """Columns of equal length, one entry per update: read-only arrays that later updates do not change.

    iter, images : int64. loss, smoothed_loss, lr, seconds, data_seconds : float64.
    tests, interventions, snapshots, warnings, states : lists of events.
    divergence : the Diverged event, or None.
    abandoned : what was given up by going back to earlier iterations, the oldest first.

    Going back to an earlier iteration (a snapshot was restored) moves what came after it, tests and
    interventions included, to a new entry of `abandoned`: all else is the line that led to the present
    weights.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._columns = {name: np.empty(1024, _DTYPES.get(name, np.float64)) for name in COLUMNS}
        self.tests: list[events.TestDone] = []
        self.interventions: list[events.Intervention] = []
        self.snapshots: list[events.SnapshotWritten] = []
        self.warnings: list[events.Warned] = []
        self.states: list[events.StateChanged] = []
        self.divergence: events.Diverged | None = None
        self.abandoned: list[Abandoned] = []

    def record(self, event: Any) -> None:
        """Keep an event; called by the training thread."""
        if isinstance(event, events.IterationDone):
            self._append(event)
        elif isinstance(event, events.Diverged):
            self.divergence = event
        elif isinstance(event, events.Rewound):
            with self._lock:
                self._abandon(event.iter)
        else:
            lists: dict[type, list[Any]] = {
                events.TestDone: self.tests,
                events.Intervention: self.interventions,
                events.SnapshotWritten: self.snapshots,
                events.Warned: self.warnings,
                events.StateChanged: self.states,
            }
            if type(event) in lists:
                lists[type(event)].append(event)

    def _append(self, event: events.IterationDone) -> None:
        with self._lock:
            if self._size and event.iter <= self._columns["iter"][self._size - 1]:
                self._abandon(event.iter - 1)
            if self._size == len(self._columns["iter"]):
                self._columns = {n: np.concatenate([c, np.empty_like(c)]) for n, c in self._columns.items()}
            for name, column in self._columns.items():
                column[self._size] = getattr(event, name)
            self._size += 1

    def _abandon(self, iteration: int) -> None:
        """Give up what came after an iteration; in new memory, because somebody may still look at the old."""
        size = int(np.searchsorted(self._columns["iter"][: self._size], iteration, "right"))
        given_up = {name: _read_only(column[size : self._size]) for name, column in self._columns.items()}
        tests, self.tests = _parted(self.tests, iteration)
        interventions, self.interventions = _parted(self.interventions, iteration)
        snapshots, self.snapshots = _parted(self.snapshots, iteration)
        self.abandoned.append(
            Abandoned(iteration, given_up, tests, interventions, snapshots, self.divergence)
        )
        self._columns = {name: column.copy() for name, column in self._columns.items()}
        self._size, self.divergence = size, None

    def columns(self) -> dict[str, np.ndarray]:
        """All columns, of equal length, as of now."""
        with self._lock:
            return {name: _read_only(column[: self._size]) for name, column in self._columns.items()}

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in COLUMNS:
            raise AttributeError(f"a history has no {name!r}; its columns are {', '.join(COLUMNS)}")
        with self._lock:
            return _read_only(self._columns[name][: self._size])

    def __len__(self) -> int:
        return self._size

    def decimated(
        self, name: str = "loss", buckets: int = 500, start: int | None = None, end: int | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(iter, lowest, highest) of a column in at most `buckets` parts of equal length, for a chart.

        start, end : first and last iteration to look at; None means all. NaN is kept: it must be seen.
        """
        columns = self.columns()
        first = 0 if start is None else int(np.searchsorted(columns["iter"], start))
        last = len(columns["iter"]) if end is None else int(np.searchsorted(columns["iter"], end, "right"))
        x, y = columns["iter"][first:last], columns[name][first:last]
        if len(x) == 0:
            return x, y, y
        edges = np.linspace(0, len(x), min(buckets, len(x)) + 1).astype(int)[:-1]
        return x[edges], np.minimum.reduceat(y, edges), np.maximum.reduceat(y, edges)

    def images_per_second(self, window: int | None = None) -> float:
        """Examples per second of training time over the last `window` updates (None: all); 0 before the
        first."""
        columns = self.columns()
        part = slice(None) if window is None else slice(-window, None)
        seconds = float(columns["seconds"][part].sum())
        return float(columns["images"][part].sum()) / seconds if seconds else 0.0

    @property
    def data_share(self) -> float:
        """Share of the training time that was spent waiting for data, 0 to 1."""
        columns = self.columns()
        seconds = float(columns["seconds"].sum())
        return float(columns["data_seconds"].sum()) / seconds if seconds else 0.0

    def __repr__(self) -> str:
        return (
            f"History({self._size} updates, {len(self.tests)} tests, {len(self.interventions)} interventions)"
        )


def _parted(rows: list[Any], iteration: int) -> tuple[list[Any], list[Any]]:
    """Events after an iteration, and the others."""
    return [e for e in rows if e.iter > iteration], [e for e in rows if e.iter <= iteration]


def _read_only(view: np.ndarray) -> np.ndarray:
    view.flags.writeable = False
    return view
