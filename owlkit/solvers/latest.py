"""The newest snapshot that is whole: what `--snapshot auto` goes on from.

Newest is what was written last, not what has the highest iteration: a training that went back to iteration
100 and reached 131 since has left its 220 behind, and so has one that was begun anew. The sidecar says when a
snapshot was written. Without one (a state that Caffe wrote) there is only the time of the file, which a copy
changes, so that it counts only where it leaves no doubt; else the higher iteration is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from owlkit.core.errors import DataError, FileFormatError
from owlkit.io.solverstate import sidecar_path, written_at
from owlkit.solvers.restoring import check_sound

COPYING = timedelta(hours=1)
"""Times of files that lie no further apart may be those of one copying, and say nothing of the writing."""


@dataclass(frozen=True)
class SoundSnapshot:
    """A snapshot whose files are all there and whole.

    state : the `.solverstate` or `.solverstate.h5` to restore. iteration : of its name.
    remarks : what the user should know: newer snapshots that are damaged, others that could have been meant.
    """

    state: Path
    iteration: int
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Dated:
    """A state with what is known of when it was written. touched : the time of its file, not before that."""

    iteration: int
    path: Path
    written: datetime | None
    touched: datetime

    def is_after(self, other: _Dated) -> bool:
        """Whether it was written after `other` for certain."""
        if self.written is None:
            return self.touched > other.touched + COPYING
        return self.written > (other.written or other.touched)


def states_of(prefix: str) -> list[tuple[int, Path]]:
    """(iteration, path) of every state `<prefix>_iter_N.solverstate[.h5]`, the highest iteration first.

    Of two of one iteration (binary and HDF5) the one that was written last comes first.
    """
    found = _files_of(prefix, "")
    return sorted(found, key=lambda pair: (pair[0], pair[1].stat().st_mtime), reverse=True)


def _files_of(prefix: str, suffix: str) -> list[tuple[int, Path]]:
    """(iteration, path) of every file `<prefix>_iter_N.solverstate[.h5]<suffix>`."""
    start = Path(f"{prefix}_iter_")
    pattern = re.compile(re.escape(start.name) + r"(\d+)\.solverstate(\.h5)?" + re.escape(suffix))
    if not start.parent.is_dir():
        return []
    matches = ((pattern.fullmatch(path.name), path) for path in start.parent.iterdir())
    # By name first: in a folder of thousands of files each look at one is a question to a server, maybe.
    return [(int(match[1]), path) for match, path in matches if match and path.is_file()]


def moments_written(prefix: str) -> frozenset[datetime]:
    """When each snapshot under the prefix was written, by those sidecars that can be read.

    Also by those without a state, which a process leaves that is killed between two renames.
    """
    moments = []
    with suppress(OSError):  # a folder that cannot be listed, a file that has just been removed
        for _, path in _files_of(prefix, sidecar_path("").name):
            with suppress(DataError, FileFormatError):
                moments.append(written_at(path.with_suffix("")))
    return frozenset(moment for moment in moments if moment is not None)


def states_that_led_to(solver: Any) -> list[tuple[int, Path]]:
    """As `states_of`, of those under the solver's prefix that led to its weights, as far as that is known.

    One whose sidecar is damaged may have: `check_sound` says what is wrong with it.
    """

    def led(path: Path) -> bool:
        try:
            return bool(solver.line.holds(written_at(path)))
        except (DataError, FileFormatError):
            return True

    return [(iteration, path) for iteration, path in states_of(solver.prefix) if led(path)]


def newest_sound(prefix: str) -> SoundSnapshot | None:
    """Of the snapshots whose files can all be read the one that was written last; None where there is none.

    prefix : a solver's `snapshot_prefix` (`Solver.prefix`). A state, its weights and, where there is one, its
    sidecar are read whole. What is damaged is passed over and told in `remarks`. Whether the snapshot fits
    a solver is for `Solver.restore` to say.
    Raises FileFormatError where there are snapshots and not one is whole: starting anew would overwrite them.
    """
    states = [_dated(*found) for found in states_of(prefix)]
    left, remarks = list(states), list[str]()
    while left:
        newest = _newest(left)
        left.remove(newest)
        try:
            check_sound(newest.path)
        except (DataError, FileFormatError) as error:
            remarks.append(f"passed over: {error}")
            continue
        return SoundSnapshot(newest.path, newest.iteration, remarks + _others(newest, left))
    if states:
        reasons = "\n  ".join(remarks)
        raise FileFormatError(
            f"there are {len(states)} snapshots {prefix}_iter_*, but none is whole; move them away to start "
            f"anew, or choose another snapshot_prefix\n  {reasons}"
        )
    return None


def _dated(iteration: int, path: Path) -> _Dated:
    try:
        written = written_at(path)
    except (DataError, FileFormatError):
        written = None  # `check_sound` says what is wrong with the sidecar
    return _Dated(iteration, path, written, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _newest(states: Iterable[_Dated]) -> _Dated:
    """Of states in falling order of iterations; where it is in doubt, of the higher iteration."""
    found, *others = states
    for other in others:
        if other.is_after(found):
            found = other
    return found


def _others(newest: _Dated, others: list[_Dated]) -> list[str]:
    """Which others somebody may have meant: of a higher iteration, or with a younger file."""
    higher = [other for other in others if other.iteration > newest.iteration]
    if higher:
        return [
            f"{newest.path.name} was written last; {higher[0].path.name} is older, of an earlier training or "
            "one that went back: name it to use it"
        ]
    younger = [
        other
        for other in others
        if None in (other.written, newest.written) and other.touched > newest.touched + timedelta(seconds=1)
    ]
    if not younger:
        return []
    return [
        f"{newest.path.name} has the highest iteration, but the file {younger[0].path.name} is younger, and "
        "no .owl files say which was written last; name it to use it"
    ]
