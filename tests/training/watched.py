"""What tests ask of a run that has been watched."""

from __future__ import annotations

from owlkit.training import Run

LONG = 10_000_000  # iterations: never reached
PATIENCE = 60.0  # seconds after which a test that hangs fails


def kinds(run: Run) -> list[str]:
    return [event.kind for event in run.history.interventions]


def states(run: Run) -> list[str]:
    return [event.state for event in run.history.states]
