"""Snapshots that are read: whether one is whole, and whether it fits a solver."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from owlkit.core.errors import DataError, FileFormatError, TrainingError
from owlkit.io.files import is_there
from owlkit.io.solverstate import (
    SolverStateData,
    check_companions,
    read_sidecar,
    read_solverstate,
    sidecar_path,
    written_at,
)
from owlkit.io.stored import StoredWeights, read_weights
from owlkit.solvers.line import Line
from owlkit.solvers.loading import listed
from owlkit.solvers.rules import RULES


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
