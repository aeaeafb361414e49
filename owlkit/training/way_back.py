"""Which snapshot a training goes back to when it went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from owlkit.core.errors import DataError, FileFormatError, TrainingError
from owlkit.solvers.latest import states_that_led_to
from owlkit.solvers.restoring import check_sound
from owlkit.training.history import History

NEIGHBOURS = 10
"""Losses that are averaged to say how a training stood: at its start, and at a snapshot."""
BLOWN_UP = 2.0
"""A snapshot whose loss is so many times that of the start was taken while training went astray."""
HOW_TO_GET_ONE = "run.snapshot() writes one, and `snapshot: 1000` in the solver one every 1000 iterations"


MENDED = "make a new solver with a lower base_lr or with clip_gradients, or mend the data"


@dataclass(frozen=True)
class WayBack:
    """A snapshot to go on from. iter : its iteration. state : the `.solverstate` to restore."""

    iter: int
    state: Path

    def __repr__(self) -> str:
        return f"WayBack(iteration {self.iter}: {self.state})"


def find_way_back(solver: Any, history: History, to: int | None = None) -> WayBack:
    """The newest good snapshot of a run, or that of iteration `to`.

    It is one that led to the present weights: written by the run and not given up since, or on disk under the
    solver's prefix from before the run began, by another process maybe (see `Line`). Good is what is whole on
    disk and was not taken while the loss was blowing up: above BLOWN_UP times that of the run's first
    iterations; with `to` the loss does not matter.
    Raises TrainingError where there is none, naming what was found.
    """
    known = _of_the_line(solver, history)
    chosen = known if to is None else [way for way in known if way.iter == to]
    passed_over = []
    for way in chosen:
        wrong = "" if to is not None else _astray(history, way.iter)
        wrong = wrong or _damage(way.state)
        if not wrong:
            return way
        passed_over.append(wrong)
    raise TrainingError(_nothing(to, known, passed_over, advice(solver, history)))


def advice(solver: Any, history: History) -> str:
    """What helps where there is no good snapshot to go back to, as things stand."""
    every = solver.param.snapshot
    if history.divergence is None:
        first = f"; `snapshot: {every}` writes the next at {_next(solver.iter, every)}" if every else ""
        return f"run.snapshot() writes one now{first}" if every else HOW_TO_GET_ONE
    at = history.divergence.iter
    if 0 < every <= at:
        return MENDED
    if at < 2:
        return f"{MENDED}; it went wrong at once"
    sooner = max(1, round(float(f"{at / 4:.0e}")))  # one digit
    early = f", which `snapshot: {every}` did not" if every else ""
    return f"{MENDED}; `snapshot: {sooner}` there writes some before iteration {at}{early}"


def _next(iteration: int, every: int) -> int:
    return (iteration // every + 1) * every


def _of_the_line(solver: Any, history: History) -> list[WayBack]:
    columns = history.columns()
    began = int(columns["iter"][0] - columns["updates"][0]) if len(history) else int(solver.iter)
    own = [WayBack(event.iter, Path(event.state)) for event in history.snapshots]
    earlier = [WayBack(*found) for found in states_that_led_to(solver) if found[0] <= began]
    return sorted([*reversed(own), *earlier], key=lambda way: -way.iter)


def _astray(history: History, iteration: int) -> str:
    """What is wrong with how the loss stood at an iteration; empty where nothing is known or wrong."""
    columns = history.columns()
    upto = int(np.searchsorted(columns["iter"], iteration, "right"))
    if upto < NEIGHBOURS:
        return ""
    first, there = columns["loss"][:NEIGHBOURS].mean(), columns["loss"][upto - NEIGHBOURS : upto].mean()
    if there <= BLOWN_UP * abs(first):
        return ""
    return f"that of iteration {iteration} was taken at a loss of {there:.4g}, the run began at {first:.4g}"


def _damage(state: Path) -> str:
    try:
        check_sound(state)
    except (DataError, FileFormatError, OSError) as error:
        return str(error)
    return ""


def _nothing(to: int | None, known: list[WayBack], passed_over: list[str], helps: str) -> str:
    if not known:
        return f"there is no snapshot to go back to; {helps}"
    if not passed_over:
        there = ", ".join(str(way.iter) for way in known)
        return (
            f"back({to}): the present weights come from no snapshot of iteration {to}, but from those of "
            f"{there}; for another one restore it into a solver and make a new Run"
        )
    reasons = "\n  ".join(passed_over)
    return f"no snapshot is good to go back to (back(N) takes that of iteration N all the same)\n  {reasons}"
