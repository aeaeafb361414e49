"""Events of a training, as a solver tells them."""

from __future__ import annotations

import dataclasses
from typing import Any

from owlkit.core import events


def done(iteration: int) -> events.IterationDone:
    return events.IterationDone(iteration, 1.0, 1.0, 0.01, 0.01, 0.0, 64)


def late_one(iteration: int) -> events.IterationDone:
    return dataclasses.replace(done(iteration), late=True)


def late_events(solver: Any) -> list[int]:
    """Fills with the iterations that are told of when the next has begun."""
    found: list[int] = []
    solver.add_listener(lambda event: found.extend([event.iter] * getattr(event, "late", 0)), lambda: False)
    return found
