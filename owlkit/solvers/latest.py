"""The newest snapshot that is whole: what `--snapshot auto` goes on from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from owlkit.core.errors import DataError, FileFormatError
from owlkit.solvers.snapshots import check_sound


@dataclass(frozen=True)
class SoundSnapshot:
    """A snapshot whose files are all there and whole.

    state : the `.solverstate` or `.solverstate.h5` to restore. iteration : of its name.
    remarks : what the user should know: later snapshots that are damaged, one that was written after it.
    """

    state: Path
    iteration: int
    remarks: list[str] = field(default_factory=list)


def states_of(prefix: str) -> list[tuple[int, Path]]:
    """(iteration, path) of every state `<prefix>_iter_N.solverstate[.h5]`, the highest iteration first.

    Of two of one iteration (binary and HDF5) the one that was written last comes first.
    """
    start = Path(f"{prefix}_iter_")
    pattern = re.compile(re.escape(start.name) + r"(\d+)\.solverstate(\.h5)?")
    if not start.parent.is_dir():
        return []
    matches = ((pattern.fullmatch(path.name), path) for path in start.parent.iterdir() if path.is_file())
    found = [(int(match[1]), path) for match, path in matches if match]
    return sorted(found, key=lambda pair: (pair[0], pair[1].stat().st_mtime), reverse=True)


def newest_sound(prefix: str) -> SoundSnapshot | None:
    """The snapshot of the highest iteration whose files can all be read; None where there is none at all.

    prefix : a solver's `snapshot_prefix` (`Solver.prefix`). A state, its weights and, where there is one, its
    sidecar are read whole. What is damaged is passed over and told in `remarks`. Whether the snapshot fits
    a solver is for `Solver.restore` to say.
    Raises FileFormatError where there are snapshots and not one is whole: starting anew would overwrite them.
    """
    states = states_of(prefix)
    remarks: list[str] = []
    for iteration, state in states:
        try:
            check_sound(state)
        except (DataError, FileFormatError) as error:
            remarks.append(f"passed over: {error}")
            continue
        return SoundSnapshot(state, iteration, remarks + _written_later(iteration, state, states))
    if states:
        reasons = "\n  ".join(remarks)
        raise FileFormatError(
            f"there are {len(states)} snapshots {prefix}_iter_*, but none is whole; move them away to start "
            f"anew, or choose another snapshot_prefix\n  {reasons}"
        )
    return None


def _written_later(iteration: int, state: Path, states: list[tuple[int, Path]]) -> list[str]:
    """A training that was begun again leaves states of lower iterations that are younger: say so."""
    written = state.stat().st_mtime
    later = [path for other, path in states if other < iteration and path.stat().st_mtime > written + 1]
    if not later:
        return []
    return [
        f"{state.name} has the highest iteration, but {later[0].name} was written later; name it to use it"
    ]
