"""A training known from its log alone, Caffe's or ours, as a run that can be looked at and compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core import events
from owlkit.training.log_files import Row, read_log
from owlkit.training.registry import enrol


class LoggedRun:
    """What a log tells of a training; there is nothing to control.

    name : the file's, without its ending. iter, max_iter : the last iteration displayed or tested.
    history : `columns()`, `tests` and the like as in History; a row of a column per display of the log.
    Raises what `read_log` raises.
    """

    frontend_kind = "run"
    state = "finished"

    def __init__(self, path: str | PathLike[str]) -> None:
        log = read_log(str(path))
        self.name = Path(path).stem
        self.number = enrol(self)
        self.history = _History(log.train, log.tests.get(0, []))
        self.iter = self.max_iter = max(row.iteration for row in (*log.train, *log.tests.get(0, [])))

    def subscribe(
        self, _listener: events.Listener, every: Any = 0.0, after: Any = None
    ) -> Callable[[], None]:
        """Nothing happens any more; returns a function that does nothing."""
        return lambda: None

    def __repr__(self) -> str:
        return f"LoggedRun({self.name!r}, {self.iter} iterations, {len(self.history.tests)} tests)"


class _History:
    """Rows of a log under the names of History."""

    def __init__(self, train: list[Row], tests: list[Row]) -> None:
        self._train = train
        self.tests = [events.TestDone(r.iteration, 0, "test", dict(r.outputs), None, 0.0) for r in tests]
        self.interventions: list[events.Intervention] = []
        self.snapshots: list[events.SnapshotWritten] = []
        self.divergence = None

    def columns(self) -> dict[str, np.ndarray]:
        """iter (n,) int64, loss, lr, seconds (n,) float64: one row per display."""
        seconds = np.array([row.seconds for row in self._train], np.float64)
        spent = np.diff(seconds, prepend=0.0)
        return {
            "iter": np.array([row.iteration for row in self._train], np.int64),
            "loss": np.array([_loss(row) for row in self._train], np.float64),
            "lr": np.array([row.rate for row in self._train], np.float64),
            "seconds": np.where(np.isfinite(spent), spent, 0.0),
        }


def _loss(row: Row) -> Any:
    """The loss of a display's own iteration, else the mean that Caffe displays."""
    own = next((value for name, value in row.outputs.items() if "loss" in name.lower()), math.nan)
    return row.smoothed_loss if math.isnan(own) and not math.isnan(row.smoothed_loss) else own
