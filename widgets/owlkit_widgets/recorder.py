"""What a run has done so far, taken from its events and handed out in parts.

Events arrive in the training thread, the rest is asked for by others: every access holds the lock, and
taking in an event costs a few microseconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import words
from .branches import MOST as MOST_BRANCHES
from .branches import Branch, is_after
from .machine import memory_total, memory_used
from .outputs import FURTHER, Outputs, outputs_of
from .pace import Pace
from .points import COLUMNS, Points, pack
from .snapshot_places import whole_path
from .way_back import way_back_of

OVER = frozenset({"finished", "stopped", "failed", "diverged"})
MOST_ROWS = 256
"""Rows in one message; a net faster than 1280 iterations a second is sent in buckets."""
JUMP = 1.5
"""A learning rate that changes by this factor from one iteration to the next is flagged: a policy's step."""
BEFORE_GUESSING = 20
"""Iterations before time left is told."""
NO_SNAPSHOT = "no snapshot:"
"""How a run warns of a snapshot that was asked for and could not be written."""


@dataclass
class _Sent:
    """How much has been handed out by `take`."""

    points: int = 0
    tests: int = 0
    flags: int = 0
    pending: list[tuple[int, float, float]] = field(default_factory=list)


class Recorder:
    """Listener of a run.

    run : needs `.iter`, `.max_iter`, `.state`; `.lr` is used where present. clock : seconds of the epoch.
    """

    def __init__(self, run: Any, clock: Callable[[], float] = time.time) -> None:
        self.run = run
        self.lock = threading.RLock()
        self.points = Points()
        self.tests: list[dict[str, Any]] = []
        self.flags: list[dict[str, Any]] = []
        self.branches: list[Branch] = []
        self.warnings: list[str] = []
        self.problem: dict[str, Any] | None = None
        self.cost_seconds = 0.0
        self._clock = clock
        self._sent = _Sent()
        self._rewound = False
        self._pace = Pace()
        self._iter = self._first_iter = int(run.iter)
        self._lr: float | None = None
        self._finite: float | None = None  # the last finite loss
        self._lr_flagged = -math.inf
        self._named: set[int] = set()  # test nets whose name is in `tests`
        self._outputs: dict[int, Outputs | None] = {}  # of each test net
        self._past: set[int] = set()  # identities of events that `catch_up` has taken in
        self._clock_of_flags: Callable[[], float | None] = clock
        self._state = str(run.state)
        self._since = clock()
        self._ran = 0.0
        self._handlers = {
            "IterationDone": self._iteration,
            "TestDone": self._test,
            "SnapshotWritten": self._snapshot,
            "Intervention": self._intervention,
            "Rewound": self._go_back,
            "StateChanged": self._state_changed,
            "Warned": self._warned,
            "Diverged": self._diverged,
        }

    # -- in ------------------------------------------------------------------------------------------------

    def __call__(self, event: Any) -> None:
        """Take in an event. Kinds are told by class name, so that no part of the toolkit is imported here."""
        handler = self._handlers.get(type(event).__name__)
        if handler is None or id(event) in self._past:
            return  # a kind that the monitor does not show, or known from the run's history
        start = time.perf_counter()
        with self.lock:
            handler(event)
            self.cost_seconds += time.perf_counter() - start

    def catch_up(self, history: Any) -> None:
        """Take in what a run did before the monitor was opened.

        history : None, or with `columns()` -> iter, loss, lr, seconds (n,) and lists of events `tests`,
            `interventions`, `snapshots`; `divergence` is an event or None. `abandoned`, where there is one:
            parts like it, each with the `iter` after which it was given up.
        """
        if history is None:
            return
        with self.lock:
            self._clock_of_flags = lambda: None  # the time of day is not in the history
            given_up = 0
            for part in getattr(history, "abandoned", ()):
                self._take_past(part.columns, part)
                reached = int(max(part.columns["iter"], default=part.iter))
                given_up += reached - part.iter
                self._branch_off(part.iter, reached)
            columns = history.columns()
            self._take_past(columns, history)
            self._clock_of_flags = self._clock
            began = _began(columns) if len(columns["iter"]) else self._first_iter
            self._first_iter, self._lr_flagged, self._rewound = began - given_up, self._iter, False

    def _take_past(self, columns: Any, past: Any) -> None:
        self.points.extend(columns)
        self._sent.points = self.points.total  # a page that loads asks for `history`
        if len(columns["iter"]):
            self._iter, self._lr = int(columns["iter"][-1]), float(columns["lr"][-1])
            finite = columns["loss"][np.isfinite(columns["loss"])]
            self._finite = float(finite[-1]) if len(finite) else self._finite
        self._ran += float(columns["seconds"].sum())
        happened = [*past.tests, *past.interventions, *past.snapshots]
        ends = [past.divergence] if past.divergence is not None else []
        for event in [*sorted(happened, key=lambda event: event.iter), *ends]:
            self(event)
            self._past.add(id(event))

    def add(self, iteration: int, loss: float, lr: float | None) -> None:
        """Take in one point of the curve; those at or before the last are dropped."""
        if iteration <= self.points.last:
            return
        rate = math.nan if lr is None else lr
        self.points.add(iteration, loss, rate)
        self._sent.pending.append((iteration, loss, rate))
        if math.isfinite(loss):
            self._finite = loss

    def _iteration(self, event: Any) -> None:
        if self._lr and event.lr and event.iter > self._lr_flagged + 1:
            change = max(event.lr / self._lr, self._lr / event.lr) if event.lr > 0 < self._lr else 1.0
            if change >= JUMP:
                self._flag(event.iter, "lr", "", "policy", value=event.lr, before=self._lr)
        self._lr, self._iter = event.lr, event.iter
        self.add(event.iter, event.loss, event.lr)
        self._pace.add(event)

    def _test(self, event: Any) -> None:
        outputs = {name: float(value) for name, value in event.outputs.items()}
        if event.net_index not in self._outputs:
            self._outputs[event.net_index] = outputs_of(self.run, event.net_index)
        found = (self._outputs[event.net_index] or Outputs.named(outputs)).among(outputs)
        loss = event.loss if event.loss is not None else outputs.get(found.loss or "")
        again = bool(self.tests) and event.iter <= self.tests[-1]["iter"] and self._forget_test(event)
        for k, name in enumerate(found.accuracies or ("",)):
            row = {"iter": event.iter, "net": event.net_index + FURTHER * k}
            row |= {"loss": None if k else _plain(loss), "accuracy": _plain(outputs.get(name))}
            if row["net"] not in self._named:  # names are sent once
                self._named.add(row["net"])
                row |= {"name": event.net_name} | ({"top": name} if len(found.accuracies) > 1 else {})
            self.tests.append(row)
        if again:
            self._send_all()

    def _forget_test(self, event: Any) -> bool:
        """A run that went back or goes on after its last test tests an iteration again: the newest counts."""
        place = event.iter, event.net_index
        kept = [row for row in self.tests if (row["iter"], row["net"] % FURTHER) != place]
        was_there = len(kept) < len(self.tests)
        self.tests = kept
        self._named = {row["net"] for row in kept if "name" in row}
        return was_there

    def _snapshot(self, event: Any) -> None:
        self._flag(event.iter, "snapshot", event.model, "code", path=whole_path(event.model))

    def _intervention(self, event: Any) -> None:
        if event.kind == "snapshot":
            return  # flagged when it is written
        more: dict[str, Any] = {}
        if event.kind in ("lr", "back"):
            more = {"value": _plain(event.after), "before": _plain(event.before)}
            self._lr_flagged = event.iter
        if event.kind == "back":
            more["reached"] = self.branches[-1].reached if self.branches else None
        self._flag(event.iter, event.kind, event.text, event.source, **more)

    def _go_back(self, event: Any) -> None:
        self._branch_off(event.iter, event.reached)
        self._first_iter -= self._iter - event.iter  # what was given up took its time, too
        self._iter = event.iter
        self.problem = None

    def _branch_off(self, iteration: int, reached: int) -> None:
        """Go on from an iteration; what came after it becomes a branch."""
        flags = [row for row in self.flags if is_after(row, iteration)]
        tests = [row for row in self.tests if row["iter"] > iteration]
        branch = Branch.of(iteration, reached, self.points.cut(iteration), tests, flags)
        if len(branch.columns["iter"]) or tests or flags:
            self.branches = [*self.branches, branch][-MOST_BRANCHES:]
        self.flags = [row for row in self.flags if not is_after(row, iteration)]
        self.tests = [row for row in self.tests if row["iter"] <= iteration]
        self._named = {row["net"] for row in self.tests if "name" in row}
        self._send_all()

    def _send_all(self) -> None:
        """Let pages take the whole history in place of what is new."""
        self._sent = _Sent(self.points.total, len(self.tests), len(self.flags))
        self._rewound = True

    def _state_changed(self, event: Any) -> None:
        now = self._clock()
        if self._state == "running":
            self._ran += now - self._since
        self._state, self._since, self._iter = event.state, now, event.iter
        if event.state == "failed":
            first, _, rest = event.reason.partition("\n")
            title = first or "Training failed"
            self.problem = {"title": title, "detail": rest.strip() or "run.error holds the exception."}
        elif event.state == "diverged" and self.problem is None:
            self.problem = {"title": event.reason or "The loss is not finite", "detail": ""}

    def _warned(self, event: Any) -> None:
        self.warnings.append(event.message)
        if event.message.startswith(NO_SNAPSHOT):
            why = event.message.removeprefix(NO_SNAPSHOT).strip()
            told = why if why.startswith("no snapshot") else event.message
            self._flag(event.iter, "unsaved", told, "code")  # who asked for it waits

    def _diverged(self, event: Any) -> None:
        what = "Inf" if "inf" in event.found.lower() else "NaN"
        title, detail = words.divergence(event, what, self._finite)
        if not math.isfinite(event.loss):
            # The update that was not made: the curve ends there, one iteration after the last good one.
            self.add(event.iter + 1, math.nan, self._lr)
        self._flag(event.iter, "nan", f"{what} {event.layer}".strip(), "code")
        self.problem = {"title": title, "detail": detail, "layer": event.layer, **way_back_of(self.run)}

    def _flag(self, iteration: int, kind: str, text: str, source: str, **more: Any) -> None:
        row = {"iter": iteration, "kind": kind, "text": text, "source": source}
        row["time"] = self._clock_of_flags()
        self.flags.append({**row, **more})

    # -- out -----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """State of the run, with "starting" between start and the first iteration."""
        return "starting" if self._state == "running" and self._iter == 0 else self._state

    @property
    def over(self) -> bool:
        return self._state in OVER

    @property
    def iteration_seconds(self) -> float:
        """What an iteration takes, 0 while that is not known."""
        return self._pace.iteration_seconds

    def status(self) -> dict[str, Any]:
        """The `status` trait: state, since (seconds of the epoch), problem (title, detail) or None."""
        with self.lock:
            return {"state": self.state, "since": self._since, "problem": self.problem}

    def seconds(self) -> float:
        """Seconds trained so far, pauses left out."""
        with self.lock:
            return self._ran + (self._clock() - self._since if self._state == "running" else 0.0)

    def figures(self) -> dict[str, Any]:
        """The `figures` trait without the monitor's own cost; what is unknown is None."""
        with self.lock:
            self._pace.look()
            max_iter, seconds = int(self.run.max_iter or 0), self.seconds()
            done = self._iter - self._first_iter
            left = None
            if done >= BEFORE_GUESSING and max_iter:
                left = (max_iter - self._iter) * seconds / done
            lr = _plain(getattr(self.run, "lr", None))  # the next one: a change is seen while paused
            return {
                "iter": self._iter,
                "max_iter": max_iter,
                "seconds": seconds,
                "seconds_left": left,
                "images_per_second": self._pace.images_per_second,
                "waiting": self._pace.waiting,
                "memory": memory_used(),
                "memory_total": memory_total(),
                "lr": lr if lr is not None else self._lr,
            }

    def rates_from_code(self) -> list[float | None]:
        """Learning rates that were set otherwise than by the controls for them, oldest first."""
        with self.lock:
            lr = [row for row in self.flags if row["kind"] in ("lr", "back")]
            return [row["value"] for row in lr if row["source"] == "code" or row["kind"] == "back"]

    def take_rewound(self) -> bool:
        """Whether the run has gone back since the last call: `history` is to be sent again, before `take`."""
        with self.lock:
            rewound, self._rewound = self._rewound, False
            return rewound

    def take(self) -> tuple[dict[str, Any], bytes] | None:
        """What is new since the last call as an "append" message and its buffer; None where nothing is."""
        with self.lock:
            sent = self._sent
            rows, sent.pending = sent.pending, []
            tests, flags = self.tests[sent.tests :], self.flags[sent.flags :]
            if not (rows or tests or flags):
                return None
            message = {"type": "append", "first": sent.points, "count": len(rows)}
            message |= {"tests_first": sent.tests, "tests": tests, "flags_first": sent.flags, "flags": flags}
            sent.points += len(rows)
            sent.tests, sent.flags = len(self.tests), len(self.flags)
        n, columns, data = pack(rows, MOST_ROWS) if rows else (0, (), b"")
        return {**message, "n": n, "columns": list(columns)}, data

    def history(self) -> dict[str, Any]:
        """The whole run, decimated: the `history` trait, which a page asks for when it loads."""
        with self.lock:
            n, data = self.points.block()
            return {
                "total": self.points.total,
                "n": n,
                "columns": list(COLUMNS),
                "data": data,
                "tests": list(self.tests),
                "flags": list(self.flags),
                "abandoned": [branch.row() for branch in self.branches],
            }


def _updates(columns: Any) -> int:
    """How many updates the rows of a history stand for."""
    return int(columns["updates"].sum()) if "updates" in columns else len(columns["iter"])


def _began(columns: Any) -> int:
    """The iteration before a history's first one."""
    return int(columns["iter"][0]) - int(columns["updates"][0] if "updates" in columns else 1)


def _plain(value: Any) -> float | None:
    """A number that JSON can carry; NaN and infinities become None."""
    return float(value) if value is not None and math.isfinite(value) else None
