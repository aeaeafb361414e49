"""What a run has seen so far: columns of bounded length, tests, interventions. Readable from any thread at
any time."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from owlkit.core import events
from owlkit.training.thinning import Thinning, thinned, width_for

_DTYPES = {"iter": np.int64, "images": np.int64, "updates": np.int64}
RECORDED = ("iter", "loss", "smoothed_loss", "lr", "seconds", "data_seconds", "images")
COLUMNS = (*RECORDED, "updates", "lowest_loss", "highest_loss")
MOST = 1 << 19
"""Rows kept, 42 MB: CaffeNet's 450,000 iterations are all there."""
EXACT = 1 << 18
"""Of the newest updates each keeps a row of its own, at least so many."""
THINNED = 1 << 17
"""Rows that all older updates share where there are more than MOST."""
GIVEN_UP = 1 << 16
"""Rows of a part that was given up."""


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
    """Columns of equal length, oldest row first: read-only arrays that later updates do not change.

    `history.loss` and `history["loss"]` are the same. A row stands for one update; in a run of more than MOST
    updates the oldest share rows (see below), so that a run of any length takes at most 42 MB.

    iter : (n,) int64, updates done. loss, smoothed_loss : (n,) float64, as in IterationDone.
    lr : (n,) float64, as rates are printed: 0.001, where the policy has the float32 nearest to that.
    seconds, data_seconds : (n,) float64, of the row's updates together. images : (n,) int64, likewise.
    updates : (n,) int64, for how many updates the row stands. lowest_loss, highest_loss : (n,) float64.
    tests, interventions, snapshots, warnings, states : lists of events. A test net has one test at an
    iteration: the newest. repeated : earlier ones there, such as of before training went back to it.
    divergence : the Diverged event, or None.
    abandoned : what was given up by going back to earlier iterations, the oldest first.

    A row of several updates has the mean of their losses, the sums of seconds and images, and of all else the
    last value, `iter` included. A loss that is NaN makes the row's losses NaN: it must be seen. At least the
    newest EXACT updates have rows of their own, as all have up to MOST.

    Going back to an earlier iteration (a snapshot was restored) moves what came after it, tests and
    interventions included, to a new entry of `abandoned`: all else is the line that led to the present
    weights. A row that reaches beyond that iteration goes as a whole; a part that was given up keeps at most
    GIVEN_UP rows.

    While a run trains, rows come between two looks: `history.columns()` and `dict(history)` have columns of
    one moment, `history.iter` and `history.loss` may differ in length.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._lr = (math.nan, math.nan)  # the last one, as it came and as it is kept
        self._columns = {name: np.empty(1024, _DTYPES.get(name, np.float64)) for name in COLUMNS}
        self.tests: list[events.TestDone] = []
        self.repeated: list[events.TestDone] = []
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
        elif isinstance(event, events.TestDone):
            self._keep_test(event)
        else:
            lists: dict[type, list[Any]] = {
                events.Intervention: self.interventions,
                events.SnapshotWritten: self.snapshots,
                events.Warned: self.warnings,
                events.StateChanged: self.states,
            }
            if type(event) in lists:
                lists[type(event)].append(event)

    def _keep_test(self, event: events.TestDone) -> None:
        """A training that goes on after its last test, or went back to an iteration, tests there again."""
        for at in reversed(range(len(self.tests))):
            if self.tests[at].iter < event.iter:
                break
            if (self.tests[at].iter, self.tests[at].net_index) == (event.iter, event.net_index):
                self.repeated.append(self.tests[at])
                self.tests[at] = event  # in its place: somebody may be going through the list
                return
        self.tests.append(event)

    def _append(self, event: events.IterationDone) -> None:
        with self._lock:
            if self._size and event.iter <= self._columns["iter"][self._size - 1]:
                self._abandon(event.iter - 1)
            if self._size == len(self._columns["iter"]):
                self._make_room()
            at, columns = self._size, self._columns
            for name in RECORDED:
                columns[name][at] = getattr(event, name)
            if event.lr != self._lr[0]:  # a policy's prints as it is written in the solver file
                self._lr = event.lr, float(str(event.lr))
            columns["lr"][at] = self._lr[1]
            columns["updates"][at] = 1
            columns["lowest_loss"][at] = columns["highest_loss"][at] = event.loss
            self._size += 1

    def _make_room(self) -> None:
        """More memory, or fewer rows. The memory is new: somebody may still look at the old."""
        if self._size < MOST:
            self._move(room=2 * self._size, older=0)
        else:
            self._move(room=MOST, older=self._size - EXACT)

    def _move(self, room: int, older: int) -> None:
        """Into new memory, with the `older` first rows thinned; one by one, so that little is there twice."""
        updates = self._columns["updates"][:older]
        thinning = Thinning.of(updates, width_for(updates, THINNED))
        rows, newest = len(thinning.starts), self._size - older
        for name, column in self._columns.items():
            self._columns[name] = new = np.empty(room, column.dtype)
            new[:rows] = thinning.apply(name, column[:older])
            new[rows : rows + newest] = column[older : self._size]
        self._size = rows + newest

    def _abandon(self, iteration: int) -> None:
        """Give up what came after an iteration."""
        kept = int(np.searchsorted(self._columns["iter"][: self._size], iteration, "right"))
        after = {name: column[kept : self._size] for name, column in self._columns.items()}
        given_up = {name: _read_only(column) for name, column in thinned(after, GIVEN_UP).items()}
        tests, self.tests = _parted(self.tests, iteration)
        interventions, self.interventions = _parted(self.interventions, iteration)
        snapshots, self.snapshots = _parted(self.snapshots, iteration)
        self.abandoned.append(
            Abandoned(iteration, given_up, tests, interventions, snapshots, self.divergence)
        )
        self._columns = {name: column.copy() for name, column in self._columns.items()}
        self._size, self.divergence = kept, None

    def columns(self) -> dict[str, np.ndarray]:
        """All columns, of equal length, as of now."""
        with self._lock:
            return {name: _read_only(column[: self._size]) for name, column in self._columns.items()}

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in COLUMNS:
            raise AttributeError(self._unknown(name))
        with self._lock:
            return _read_only(self._columns[name][: self._size])

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in COLUMNS:
            raise KeyError(self._unknown(name))
        held = name.take(self) if isinstance(name, _Name) else None
        return held if held is not None else self.__getattr__(name)

    def _unknown(self, name: str) -> str:
        if not name.startswith("_") and any(name in test.outputs for test in self.tests):
            return f"a history has no column {name!r}: tests have it, history.test_curve({name!r})"
        return f"a history has no {name!r}; its columns are {', '.join(COLUMNS)}"

    def keys(self) -> list[str]:
        """Names of the columns, so that `dict(history)` is what a DataFrame is made of: all of one moment."""
        return [_Name.of(name, self, column) for name, column in self.columns().items()]

    def _ipython_key_completions_(self) -> list[str]:
        return list(COLUMNS)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *COLUMNS]

    def test_curve(self, output: str, net: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(iter, values), (n,) int64 and (n,) float64, of an output in the tests, such as "accuracy".

        net : number of the test net. Raises KeyError for an output that its tests do not have.
        """
        tests = [test for test in self.tests if test.net_index == net]
        known = dict.fromkeys(name for test in tests for name in test.outputs)
        if output not in known:
            told = f"they have {', '.join(known)}" if known else "there were none yet"
            raise KeyError(f"tests of net {net} have no output {output!r}; {told}")
        values = [test.outputs[output] for test in tests]
        return np.array([test.iter for test in tests], np.int64), np.array(values, np.float64)

    def __len__(self) -> int:
        """Rows: updates, as long as none share one."""
        return self._size

    def decimated(
        self, name: str = "loss", buckets: int = 500, start: int | None = None, end: int | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(iter, lowest, highest) of a column in at most `buckets` parts of as many updates, for a chart.

        start, end : first and last iteration to look at; None means all. NaN is kept: it must be seen.
        """
        columns = self.columns()
        first = 0 if start is None else int(np.searchsorted(columns["iter"], start))
        last = len(columns["iter"]) if end is None else int(np.searchsorted(columns["iter"], end, "right"))
        columns = {key: column[first:last] for key, column in columns.items()}
        x, y = columns["iter"], columns[name]
        if len(x) == 0:
            return x, y, y
        low, high = (columns["lowest_loss"], columns["highest_loss"]) if name == "loss" else (y, y)
        done = np.cumsum(columns["updates"])
        parts = np.linspace(0, done[-1], min(buckets, len(x)) + 1).astype(int)[:-1]
        edges = np.unique(np.searchsorted(done, parts, "right"))
        return x[edges], np.minimum.reduceat(low, edges), np.maximum.reduceat(high, edges)

    def images_per_second(self, window: int | None = None) -> float:
        """Examples per second of training time over the last `window` updates (None: all); 0 before the
        first."""
        columns = self.columns()
        part = slice(None)
        if window is not None:
            newest = columns["updates"][::-1][:window]  # a row stands for one update or more
            rows = int(np.searchsorted(np.cumsum(newest), window)) + 1
            part = slice(-rows, None)
        seconds = float(columns["seconds"][part].sum())
        return float(columns["images"][part].sum()) / seconds if seconds else 0.0

    @property
    def data_share(self) -> float:
        """Share of the training time that was spent waiting for data, 0 to 1."""
        columns = self.columns()
        seconds = float(columns["seconds"].sum())
        return float(columns["data_seconds"].sum()) / seconds if seconds else 0.0

    def __repr__(self) -> str:
        updates = int(self.updates.sum())
        return f"History({updates} updates, {len(self.tests)} tests, {len(self.interventions)} interventions)"


class _Name(str):
    """A column's name that brings the column of the moment in which all names were asked for.

    `dict(history)` asks for the names, and then for each column by itself, between which rows may be added.
    It is taken once: who keeps the names finds later rows by them.
    """

    _held: tuple[History, np.ndarray] | None = None

    @classmethod
    def of(cls, name: str, history: History, column: np.ndarray) -> _Name:
        made = cls(name)
        made._held = history, column
        return made

    def take(self, history: History) -> np.ndarray | None:
        """The column, where it is the history's and was not taken before."""
        held, self._held = self._held, None
        return held[1] if held is not None and held[0] is history else None

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # in files it is a word like others


def _parted(rows: list[Any], iteration: int) -> tuple[list[Any], list[Any]]:
    """Events after an iteration, and the others."""
    return [e for e in rows if e.iter > iteration], [e for e in rows if e.iter <= iteration]


def _read_only(view: np.ndarray) -> np.ndarray:
    view.flags.writeable = False
    return view
