"""Snapshots: weights and solver state on disk, complete or not at all; `restoring.py` reads them.

Caffe's pair `<prefix>_iter_N.caffemodel` and `.solverstate`, and beside it `.solverstate.owl` with what Caffe
does not save: positions in the data, random state, an overridden rate, the losses behind the smoothed one.
With it a training that was interrupted goes on bit for bit as if it had not been.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, FileFormatError, TrainingError
from owlkit.core.sizes import size
from owlkit.io.files import full_disk_error, is_full, staging_folder, sync_folder
from owlkit.io.solverstate import (
    SolverStateData,
    sidecar_path,
    write_sidecar,
    write_solverstate,
    written_at,
)
from owlkit.io.weights import write_caffemodel
from owlkit.io.writing_lock import WritingLock
from owlkit.proto import caffe_pb2
from owlkit.solvers.line import Line
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
    with hold_interrupts(), _told_of(solver, model, state), WritingLock(prefix):
        _check_not_foreign(solver.line, prefix, state)
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


def _check_not_foreign(line: Line, prefix: str, state: Path) -> None:
    """Of a loop of `step(n)` nobody knows when it ends, so between two snapshots it holds no lock."""
    with suppress(FileFormatError):  # what is damaged may be written over
        written = written_at(state)
        if written is not None and line.is_foreign(prefix, written):
            raise TrainingError(
                f"{state} was written by another process ({written:%Y-%m-%d %H:%M:%S} UTC) since this "
                "training began, or wrote its last snapshot: it is kept, and none was written. Choose "
                "another snapshot_prefix (solver.param.snapshot_prefix = ...), or go on from that one: "
                f"solver.restore({str(state)!r})"
            )


@contextmanager
def _told_of(solver: Any, model: Path, state: Path) -> Iterator[None]:
    """Where the disk is full, name the file that was wanted, not the one in the temporary folder, and say how
    much all files take: what is free by then would have been enough for the one that failed."""
    try:
        yield
    except (DataError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(cause, OSError) and is_full(cause):
            full = full_disk_error(model, cause.strerror)
            full.add(f"a snapshot takes {size(_bytes_of(solver))}: {model.name}, {state.name} and its .owl")
            raise full from cause
        raise


def _bytes_of(solver: Any) -> int:
    """About how many bytes the weights and histories of a snapshot take."""
    weights = sum(parameter.blob.descriptor.nbytes for parameter in solver.net.learnable)
    histories = sum(tensor.descriptor.nbytes for tensor in solver.rule.history_tensors)
    return weights * (2 if solver.param.snapshot_diff else 1) + histories


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
