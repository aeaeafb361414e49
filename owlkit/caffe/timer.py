"""Caffe's stopwatch."""

from __future__ import annotations

import time


class Timer:
    """`start`, `stop`, then `ms`: milliseconds in between, or since the start while it runs."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._seconds = 0.0

    def start(self) -> None:
        """Start, or start anew."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Stop; without effect on a timer that does not run."""
        if self._started is not None:
            self._seconds, self._started = time.perf_counter() - self._started, None

    @property
    def ms(self) -> float:
        if self._started is not None:
            return 1000 * (time.perf_counter() - self._started)
        return 1000 * self._seconds
