"""Showing runs: the live monitor in a notebook that has one, else plain text."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from typing import Any

from owlkit.core import frontends
from owlkit.core.errors import TrainingError
from owlkit.training.registry import find, find_all
from owlkit.training.serving import ACTIVE
from owlkit.training.text_monitor import TextMonitor

MOST = 4  # runs in one monitor
_followed: weakref.WeakSet[Any] = weakref.WeakSet()
"""Runs that are told as text: twice would double each line."""


def monitor(run: Any, *others: Any) -> None:
    """Show a run, with the curves of others laid under its own.

    run, others : runs, names of runs of this process, or paths of logs (Caffe's or ours); four at most.
    Raises TrainingError for a name that neither a run nor a file has.
    """
    first = find(run)
    show(first, find_all(others, but=first))


def show(run: Any, compare: Sequence[Any] = ()) -> None:
    """Show a run, and in a notebook others beneath it. Raises TrainingError beyond four in all."""
    if len(compare) >= MOST:
        names = ", ".join(other.name for other in compare)
        raise TrainingError(f"a monitor shows {MOST} runs at most; {run.name} is compared with {names}")
    options = {"compare": tuple(compare)} if compare else {}
    if frontends.display(run, **options):
        return
    if (run.state in ACTIVE or run.state == "ready") and run not in _followed:
        _followed.add(run)
        TextMonitor(run).follow()
    else:
        sys.stdout.write(f"{run!r}\n")
    for other in compare:
        sys.stdout.write(f"to compare with (a notebook draws it): {other!r}\n")
