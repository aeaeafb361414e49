"""Snapshots: weights and solver state on disk, complete or not at all, and back.

Caffe's pair `<prefix>_iter_N.caffemodel` and `.solverstate`, and beside it `.solverstate.owl` with what Caffe
does not save: positions in the data, random state, an overridden rate, the losses behind the smoothed one.
With it a training that was interrupted goes on bit for bit as if it had not been.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, FileFormatError, TrainingError
from owlkit.io.files import full_disk_error, is_full, is_there, staging_folder, sync_folder
from owlkit.io.solverstate import (
    SolverStateData,
    check_companions,
    read_sidecar,
    read_solverstate,
    sidecar_path,
    write_sidecar,
    write_solverstate,
    written_at,
)
from owlkit.io.stored import StoredWeights, read_weights
from owlkit.io.weights import write_caffemodel
from owlkit.io.writing_lock import WritingLock
from owlkit.proto import caffe_pb2
from owlkit.solvers.line import Line
from owlkit.solvers.loading import listed
from owlkit.solvers.rules import RULES
from owlkit.solvers.signals import hold_interrupts


def snapshot_paths(prefix: str, iteration: int, suffix: str = "") -> tuple[Path, Path]:
    """Where the weights and the state of an iteration go; the names are Caffe's. suffix : ".h5" for HDF5."""
    start = f"{prefix}_iter_{iteration}"
    return Path(f"{start}.caffemodel{suffix}"), Path(f"{start}.solverstate{suffix}")


def check_prefix(prefix: str) -> None:
    """Make the folder of the snapshots. Raises TrainingError where none can be written there, DataError where
    the disk is full."""
    folder = Path(prefix).absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if is_full(error):
            raise full_disk_error(folder, error.strerror) from error
        raise TrainingError(
            f"snapshot_prefix {prefix!r}: {folder} cannot be written ({error.strerror}); choose another, or "
            "snapshot_after_train=False where none is wanted"
        ) from error


def write_snapshot(solver: Any, prefix: str) -> tuple[Path, Path]:
    """Write weights and state. All is written in a temporary folder first, then renamed into place.

    Raises TrainingError, and leaves earlier files alone, where a parameter is not finite or the folder cannot
    be made or written, or another process writes there (see `WritingLock`) or has written this snapshot since
    the training began; DataError where the disk is full.
    """
    _check_finite(solver.net)
    hdf5 = solver.param.snapshot_format == caffe_pb2.SolverParameter.HDF5
    model, state = snapshot_paths(prefix, solver.iter, ".h5" if hdf5 else "")
    check_prefix(prefix)
    with hold_interrupts(), _told_of(model), WritingLock(prefix):
        _check_not_foreign(solver.line, state)
        with staging_folder(model.absolute().parent) as staging:
            staged_model, staged_state = staging / model.name, staging / state.name
            _save_model(solver, staged_model)
            write_solverstate(staged_state, _state_data(solver, model))
            content = {**solver.extra_state(), "line": solver.line.stored()}
            solver.line = solver.line.written(moment := solver.line.moment())
            write_sidecar(staged_state, solver.iter, content, staged_model, moment)
            for staged, target in _moves(staged_model, staged_state, model, state):
                os.replace(staged, target)
        sync_folder(model.absolute().parent)
    return model, state


def _check_not_foreign(line: Line, state: Path) -> None:
    """Of a loop of `step(n)` nobody knows when it ends, so between two snapshots it holds no lock."""
    with suppress(FileFormatError):  # what is damaged may be written over
        written = written_at(state)
        if written is not None and line.is_foreign(written):
            raise TrainingError(
                f"{state} was written by another process ({written:%Y-%m-%d %H:%M:%S} UTC) since this "
                "training began, or wrote its last snapshot: it is kept, and none was written. Choose "
                "another snapshot_prefix (solver.param.snapshot_prefix = ...), or go on from that one: "
                f"solver.restore({str(state)!r})"
            )


@contextmanager
def _told_of(model: Path) -> Iterator[None]:
    """Where the disk is full, name the file that was wanted, not the one in the temporary folder."""
    try:
        yield
    except (DataError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and is_full(cause):
            raise full_disk_error(model, cause.strerror) from cause
        raise


def _save_model(solver: Any, path: Path) -> None:
    if solver.param.snapshot_diff and path.suffix == ".h5":
        solver.net.save_hdf5(path, write_diff=True)
    elif solver.param.snapshot_diff:
        write_caffemodel(path, solver.net.to_proto(write_diff=True))
    else:
        solver.net.save(path)


def _moves(staged_model: Path, staged_state: Path, model: Path, state: Path) -> list[tuple[Path, Path]]:
    sidecars = (sidecar_path(staged_state), sidecar_path(state))
    return [(staged_model, model), sidecars, (staged_state, state)]


def _state_data(solver: Any, model: Path) -> SolverStateData:
    return SolverStateData(
        solver.iter,
        str(model),
        solver.current_step,
        [np.array(h.peek()) for h in solver.rule.history_tensors],
    )


def _check_finite(net: Any) -> None:
    for parameter in net.learnable:
        if not np.isfinite(parameter.blob.peek()).all():
            raise TrainingError(
                f"no snapshot was written: parameter {parameter.name} has values that are not finite; go "
                "back to an "
                "earlier snapshot and lower base_lr"
            )


def damaged_sidecar(path: str | Path, error: Exception) -> FileFormatError:
    """The error to raise where what the sidecar of a state holds cannot be used."""
    sidecar = sidecar_path(path)
    return FileFormatError(
        f"{sidecar} is damaged ({type(error).__name__}: {error}); delete it to go on without data positions "
        "and random state"
    )


def find_model(state: Path, data: SolverStateData) -> Path:
    """The weights of a state: beside it, where a snapshot puts them, or else where it says, as in Caffe.

    Raises DataError where they are in neither place.
    """
    stored = data.learned_net
    for candidate in (state.parent / Path(stored).name, Path(stored)):
        if stored and is_there(candidate) and candidate.is_file():
            return candidate
    raise DataError(f"{state}: its weights {stored or '(no name stored)'} are neither beside it nor there")


def check_sound(path: str | os.PathLike[str]) -> None:
    """Read all files of a snapshot, its `.solverstate` given.

    Raises DataError where one is missing, FileFormatError where one is damaged or they do not belong
    together.
    """
    state = Path(path)
    data = read_solverstate(state)
    read_sidecar(state, data.iter)
    model = find_model(state, data)
    check_companions(state, model)
    _check_pair(state, data, model, read_weights(model))


def _check_pair(state: Path, data: SolverStateData, model: Path, weights: StoredWeights) -> None:
    """Weights that were cut short between two layers can be read; the history shows what is missing."""
    blobs = Counter(_squeezed(b.array.shape) for layer in weights.layers.values() for b in layer.values())
    histories = [_squeezed(array.shape) for array in data.history]
    half = len(histories) // 2
    pairs = half > 0 and histories[:half] == histories[half:]  # Adam and AdaDelta keep two of each
    # What layers share by name is stored with each of them in binary files, so there may be more blobs.
    fits = Counter(histories) <= blobs or (pairs and Counter(histories[:half]) <= blobs)
    if not fits or (blobs and not histories):
        raise FileFormatError(
            f"{state}: {model} has {weights.count} learned blobs, to which the state's {len(histories)} "
            "histories do not fit; one of the two is cut short, or they belong to different trainings"
        )


class LoadedSnapshot:
    """A snapshot that was read and found to fit a solver.

    extra : the sidecar's content, None without one. line : what leads to its weights.
    """

    def __init__(self, solver: Any, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.data = self._read()
        self.extra = read_sidecar(self.path, self.data.iter)
        self.line = self._line(solver)
        self._check_type(solver)
        self._check_history(solver)
        self.model = find_model(self.path, self.data)
        check_companions(self.path, self.model)
        self.weights = read_weights(self.model)
        self._check_layers(solver)

    def _read(self) -> SolverStateData:
        try:
            data = read_solverstate(self.path)
            if data.iter < 0:
                raise FileFormatError(f"{self.path} is damaged: it is of iteration {data.iter}")
            return data
        except FileFormatError as error:
            if "a caffemodel (the weights)" not in str(error):
                raise
            raise FileFormatError(
                f"{self.path} holds weights, not the state of a solver; to start from these weights use "
                "weights=..., to resume use the .solverstate"
            ) from error

    def _line(self, solver: Any) -> Line:
        written = written_at(self.path)
        try:
            line: Line = solver.line.restored(self.extra, written)
        except (ValueError, TypeError) as error:
            raise damaged_sidecar(self.path, error) from error
        return line

    def _check_type(self, solver: Any) -> None:
        written = (self.extra or {}).get("type", solver.param.type)
        if written != solver.param.type:
            raise TrainingError(
                f"{self.path} is the state of a {written} solver, this one is {solver.param.type}; resume "
                "with "
                f"type: {written!r}, or start anew from its weights with weights=..."
            )

    def _check_history(self, solver: Any) -> None:
        found, expected = self.data.history, solver.history
        if len(found) != len(expected):
            raise TrainingError(
                f"{self.path} holds {len(found)} histories, this {solver.param.type} solver has "
                f"{len(expected)} "
                f"({len(solver.net.learnable)} parameters){_explain(len(found), len(solver.net.learnable))}"
            )
        for index, (theirs, mine) in enumerate(zip(found, expected, strict=True)):
            if _squeezed(theirs.shape) != _squeezed(mine.shape):
                name = solver.net.learnable[index % len(solver.net.learnable)].name
                raise TrainingError(
                    f"{self.path}: the history of {name} has shape {theirs.shape}, expected {mine.shape}; "
                    "the "
                    "state belongs to another net"
                )

    def _check_layers(self, solver: Any) -> None:
        report = solver.net.match(self.weights)
        if report.missing:
            found = f", but for {listed(report.unused)}, which the net does not have" if report.unused else ""
            raise TrainingError(
                f"{self.path} is the state of another net: {self.model} has no weights for "
                f"{listed(report.missing)}{found}; resume with the net that wrote it, or start anew from its "
                "weights with weights=..."
            )

    def apply(self, solver: Any) -> None:
        """Put weights and history into the solver."""
        solver.net.copy_from(self.weights, quiet=True)
        for theirs, mine in zip(self.data.history, solver.history, strict=True):
            mine[...] = theirs.reshape(mine.shape)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without axes of length 1: old files pad every shape to four axes."""
    return tuple(n for n in shape if n != 1)


def _explain(found: int, parameters: int) -> str:
    fitting = [name for name, rule in RULES.items() if rule.slots * parameters == found]
    if fitting:
        return f"; it may be the state of {' or '.join(fitting)}"
    return "; the state belongs to another net"
