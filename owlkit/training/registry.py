"""The runs of this process by number and name, and what a monitor can lay over one another."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from owlkit.core.errors import TrainingError, closest

_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_next = itertools.count(1)


def enrol(run: Any) -> int:
    """The run's number in this process, given at the first call. A run is listed as long as it is held."""
    if run not in _numbers:
        _numbers[run] = next(_next)
    return _numbers[run]


def runs() -> list[Any]:
    """The runs of this process that somebody still holds, oldest first."""
    return [run for run, _ in sorted(_numbers.items(), key=lambda item: item[1])]


def find(what: Any, *, but: Any = None) -> Any:
    """A run from a run, the name of one (the newest of that name, `but` left out), or the path of a log.

    Raises TrainingError where there is neither a run of that name nor a file, TypeError for anything else.
    """
    if getattr(what, "frontend_kind", None) == "run":
        return what
    if not isinstance(what, str | PathLike):
        raise TypeError(
            f"compare: found {type(what).__name__}, expected a run, its name, or the path of a log"
        )
    known = [run for run in runs() if run is not but]
    named = [run for run in known if run.name == str(what)]
    if named:
        return named[-1]
    if Path(what).is_file():
        from owlkit.training.logged import LoggedRun

        return LoggedRun(what)
    hint = closest(str(what), [run.name for run in known])
    raise TrainingError(f"there is no other run named {str(what)!r} here, and no log file{hint}")


def find_all(what: Any, *, but: Any = None) -> list[Any]:
    """Runs from what `find` takes, or from several of those; None gives none."""
    if what is None:
        return []
    several = isinstance(what, Iterable) and not isinstance(what, str | PathLike)
    return [find(each, but=but) for each in (what if several else [what])]
