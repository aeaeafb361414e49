"""What of a training outlives it: snapshots, and the definition that makes it again."""

from __future__ import annotations

import math
import threading
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from owlkit.core import events
from owlkit.core.errors import DataError, OwlkitError, TrainingError
from owlkit.io.writing_lock import WritingLock
from owlkit.net import Net
from owlkit.net.room import check_room
from owlkit.proto import caffe_pb2
from owlkit.solvers import saving, snapshots
from owlkit.solvers.announcer import Announcer, log
from owlkit.solvers.latest import moments_written, newest_sound
from owlkit.solvers.line import Line
from owlkit.solvers.policies import learning_rate
from owlkit.solvers.restoring import LoadedSnapshot, damaged_sidecar

AUTO = "auto"
"""In place of the path of a state: the newest one that is whole."""


class Resumable(Announcer):
    """Snapshots of a training, written and gone on from. Solver fills the attributes.

    line : which snapshots led to the weights, by when they were written.
    """

    _saved = 0  # iteration that is on the disk; the beginning need not be
    _has_room = False
    _owed = False  # whether a snapshot came due that could not be written

    param: Any
    net: Net
    test_nets: list[Net]
    test_iterations: list[int]
    rule: Any
    notices: list[str]
    default_prefix: str
    in_use_by: Any
    _given: dict[str, Any]
    _override: float | None
    _losses: deque[float]
    _fresh: bool

    def __init__(self) -> None:
        super().__init__()
        self.line = Line.beginning()

    def snapshot(self, prefix: str | None = None) -> tuple[Path, Path]:
        """Write weights and state as `<prefix>_iter_N.caffemodel` and `.solverstate`; returns both paths.

        Raises TrainingError where a parameter is not finite, the folder cannot be written, another process
        writes snapshots of this prefix, or a Run trains in another thread, DataError where the disk is full;
        what was there before is then as it was.
        """
        if self.net.keeper not in (None, threading.get_ident()):
            raise TrainingError(
                f"snapshot: run {self.in_use_by.name!r} is training in another thread, and what is written "
                "in the midst of an iteration does not fit together; use run.snapshot()"
            )
        with self.net.at_rest():  # of a training that another thread steps by hand
            model, state = snapshots.write_snapshot(self, prefix or self.prefix)
        if prefix is None:
            self._saved, self._owed = self.iter, False
        self.emit(events.SnapshotWritten(self.iter, str(model), str(state)))
        return model, state

    def write_due_snapshot(self) -> None:
        """As `snapshot()`, for one that belongs to the training: where it fails it is tried again before the
        training goes on."""
        self._owed = True
        self.snapshot()

    @property
    def owes_snapshot(self) -> bool:
        """Whether one that came due could not be written, for want of room say, and is still wanted."""
        return self._owed and self.writes_snapshots

    @property
    def is_saved(self) -> bool:
        """Whether there is nothing that a snapshot would save."""
        return self.iter == self._saved

    @property
    def writes_snapshots(self) -> bool:
        """Whether a training by this solver writes snapshots without being asked for each."""
        return bool(self.param.snapshot > 0 or self.param.snapshot_after_train)

    def check_room(self) -> None:
        """NetError where the net's blobs and their gradients exceed the machine's memory; looked at once."""
        if not self._has_room:
            check_room(self.net, self.net.graph.nodes, backward=True)
            self._has_room = True

    def claim_snapshots(self, *, always: bool = False) -> AbstractContextManager[Any]:
        """Take the right to write a training's snapshots, which other processes have not until it is left.

        always : also where the solver writes none unasked, because somebody else writes beside them.
        Raises TrainingError where one of them has it, or none can be written, NetError as `check_room`.
        """
        if not (always or self.writes_snapshots):
            return nullcontext()
        self.check_room()  # before a folder is made
        snapshots.check_prefix(self.prefix)
        return WritingLock(self.prefix)

    def to_proto(self) -> Any:
        """The SolverParameter that makes this solver, with test_iter, and seed and weights as given."""
        param = caffe_pb2.SolverParameter()
        param.CopyFrom(self.param)
        if self.test_nets:
            param.test_iter[:] = self.test_iterations
        if self._given["seed"] is not None:
            param.random_seed = self._given["seed"]
        if (weights := self._given["weights"]) is not None:
            given = weights if isinstance(weights, list | tuple) else [weights]
            param.weights[:] = [str(path) for path in given if isinstance(path, str | Path)]
        return param

    def save_definition(self, folder: str | Path = ".", *, overwrite: bool = False) -> tuple[Path, Path]:
        """Write `net.prototxt` and `solver.prototxt` into a folder; returns both paths.

        `owlkit train --solver <folder>/solver.prototxt` then trains the same, and so does Caffe, started in
        the same working directory: from there it looks for nets and data. `owlkit resume` goes on from the
        snapshots of this solver, for the file names its `prefix` as it is now.
        Raises DataError where other files of these names are there, unless `overwrite`.
        """
        param = self.to_proto()
        param.snapshot_prefix = self.prefix
        return saving.save_definition(param, folder, overwrite)

    def extra_state(self) -> dict[str, Any]:
        """What resuming bit for bit needs beyond weights and history, JSON-able."""
        return {
            "type": self.param.type,
            "lr": self._override,
            "losses": list(self._losses),
            "net": self.net.state(),
            "test_nets": [net.state() for net in self.test_nets],
        }

    def restore(self, path: Any) -> Path:
        """Go on from a `.solverstate`, one of Caffe's included; returns which.

        path : of the file, or "auto": of the snapshots with this solver's `prefix` that are whole the one
            that was written last, whatever its iteration.
        A learning rate that was set by hand goes on, with a remark; `solver.lr = None` ends that.
        Raises FileFormatError or DataError for a file that is no state or lacks its weights, or where none
        is found, TrainingError or NetError where it belongs to another type of solver or another net; the
        solver is unchanged then.
        """
        self._check_free("restore")
        state = self._newest() if path == AUTO else path
        self.put_back(state)
        if self._override is not None:
            usual = learning_rate(self.param, self.iter)
            self._note(
                f"the learning rate {self._override:g} was set by hand before {state} was written; it goes "
                f"on in place of lr_policy's {usual:g}: solver.lr = None, or --set base_lr=... in a shell, "
                "ends that"
            )
        return Path(state)

    def _newest(self) -> Path:
        found = newest_sound(self.prefix)
        if found is None:
            raise DataError(
                f"there is no snapshot {self.prefix}_iter_N.solverstate to go on from; to begin anew, train "
                "without restoring"
            )
        for remark in found.remarks:
            self._note(remark)
        return found.state

    def _note(self, text: str) -> None:
        """Tell whoever listens, else the log: most solvers are restored before anybody does."""
        self.notices.append(text)
        if self._listeners:
            self.warn(text)
        else:
            log.warning(text)

    def put_back(self, path: Any) -> None:
        """As `restore`, for the Run that uses this solver."""
        loaded = LoadedSnapshot(self, path)
        before = self.extra_state()
        try:
            if loaded.extra is not None:
                self._set_extra_state(loaded.extra)
            loaded.apply(self)
        except OwlkitError:
            self._set_extra_state(before)
            raise
        except Exception as error:  # random generators and layers raise what a damaged state leads them into
            self._set_extra_state(before)
            raise damaged_sidecar(path, error) from error
        self.rule.history_changed()
        self.iter, self._fresh = loaded.data.iter, False
        self._saved, self._owed = self.iter, False
        self.line = loaded.line.aware_of(self.prefix, moments_written(self.prefix))
        if loaded.extra is None:
            self._losses.clear()
            self._override = None  # the rate is the policy's again, as of a solver that has just been made
            self._note(
                f"{path} has no .owl file beside it: data start from the beginning, random numbers anew"
            )

    def _begin_line(self) -> None:
        """Before the first update. Who begins anew writes over what there is, as in Caffe."""
        self.line = self.line.aware_of(self.prefix, moments_written(self.prefix)).going_on()

    def _set_extra_state(self, extra: dict[str, Any]) -> None:
        override, losses = self.checked_lr(extra["lr"]), [float(loss) for loss in extra["losses"]]
        if not all(map(math.isfinite, losses)):
            raise ValueError(f"a loss is not finite: {losses}")
        self.net.restore_state(extra["net"])
        for net, state in zip(self.test_nets, extra["test_nets"], strict=False):
            net.restore_state(state)
        self._override = override
        self._losses.clear()
        self._losses.extend(losses)

    @staticmethod
    def checked_lr(value: float | None) -> float | None:
        """`value` as a learning rate, None for the policy's; TrainingError where it is no number >= 0."""
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise TrainingError(f"a learning rate of {value} makes no sense; give a number >= 0, or None")
        return None if value is None else float(value)

    @property
    def prefix(self) -> str:
        """What names of snapshots start with."""
        return self.param.snapshot_prefix or self.default_prefix

    def _check_free(self, action: str, *, unless: tuple[str, ...] = ()) -> None:
        """TrainingError while a Run trains with this solver, in a state that is not one of `unless`."""
        run = self.in_use_by
        if run is not None and run.state not in unless:
            raise TrainingError(
                f"{action}: the solver is being trained by run {run.name!r} (now {run.state}); use the run's "
                "controls (run.pause, run.step, run.resume), or end it with run.stop() and run.wait()"
            )
