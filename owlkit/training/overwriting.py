"""Two runs must not write over each other's snapshots, which `back` and a resume would take for their own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from owlkit.core.errors import TrainingError
from owlkit.training.registry import enrol


def check_apart(run: Any, others: Iterable[Any]) -> None:
    """TrainingError where one of `others`, which are in training, writes to the snapshots of `run`.

    That happens where the cell that starts a training is run again while the first goes on. Other processes
    are kept apart by a lock: `Solver.claim_snapshots`.
    """
    mine = _snapshots(run)
    for other in others:
        if mine is not None and _snapshots(other) == mine:
            raise TrainingError(
                f"run {other.name!r} (number {enrol(other)}, {other.state}) writes to the same snapshots, "
                f"{run.solver.prefix}_iter_*: owlkit.monitor({other.name!r}) shows it; end it first "
                "([run.stop() for run in owlkit.runs()] ends all), or give this one another name or "
                "snapshot_prefix"
            )


def _snapshots(run: Any) -> str | None:
    """What paths of snapshots start with, links followed; None where nothing is written there unasked."""
    folder, name = os.path.split(os.path.abspath(run.solver.prefix))
    return os.path.join(os.path.realpath(folder), name) if run.writes_files else None
