"""How fast a run goes: images per second, and the share of time it waits for data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ENOUGH = 0.1
"""Seconds of training over which the pace is measured, at least."""


@dataclass
class Pace:
    """Sums since the last look, and what was seen then."""

    images: int = 0
    seconds: float = 0.0
    data_seconds: float = 0.0
    images_per_second: float | None = None
    waiting: float | None = None
    last_two: tuple[float, float] = (0.0, 0.0)
    """Seconds of the last two iterations."""

    def add(self, event: Any) -> None:
        """Take in an iteration."""
        self.images += event.images
        self.seconds += event.seconds
        self.data_seconds += event.data_seconds
        self.last_two = (self.last_two[1], event.seconds)

    @property
    def iteration_seconds(self) -> float:
        """The shorter of the last two: a net's first iteration takes longer than all others."""
        return min(self.last_two)

    def look(self) -> None:
        if self.seconds < (ENOUGH if self.images_per_second is not None else 1e-9):
            return  # a single step between two pauses says little
        rate, wait = self.images / self.seconds, min(1.0, self.data_seconds / self.seconds)
        old = self.images_per_second
        self.images_per_second = rate if old is None else 0.5 * (old + rate)
        self.waiting = wait if self.waiting is None else 0.5 * (self.waiting + wait)
        self.images, self.seconds, self.data_seconds = 0, 0.0, 0.0
