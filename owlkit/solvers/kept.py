"""Weights that are kept for how good they were in a test, and what is known of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from owlkit.core.errors import DataError, FileFormatError
from owlkit.io.solverstate import read_note, write_sidecar, written_at


def write_kept(solver: Any, path: Path, note: dict[str, Any]) -> None:
    """Write the solver's weights, and into `<path>.owl` a note (JSON-able) and when that was.

    Raises DataError where they cannot be written.
    """
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    solver.net.save(path)
    write_sidecar(path, solver.iter, note, written=solver.line.moment())


def find_kept(solver: Any, path: Path) -> tuple[int, dict[str, Any]] | None:
    """(iteration, note) of weights that `write_kept` wrote on the way to the solver's present ones.

    None where there are none, they are of another training (see `Line`), or their note cannot be read.
    """
    with suppress(DataError, FileFormatError):
        written = written_at(path)
        if written is not None and solver.line.holds(written) and path.is_file():
            return read_note(path)
    return None
