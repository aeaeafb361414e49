"""A progress bar on a terminal, a line at every tenth elsewhere; fed by training events."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from owlkit.core.events import IterationDone, TestDone

WIDTH = 30
REDRAW_SECONDS = 0.1


class ProgressBar:
    """Listens to a training of `total` iterations: `solver.add_listener(bar)`, at its end `bar.close()`."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total = total
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.last: IterationDone | None = None
        self.accuracy: float | None = None
        self._start = time.perf_counter()
        self._drawn = 0.0
        self._tenth = 0

    def __call__(self, event: Any) -> None:
        if isinstance(event, TestDone):
            self.accuracy = event.outputs.get("accuracy", self.accuracy)
        elif isinstance(event, IterationDone):
            self.last = event
            self._update(event)

    def _update(self, event: IterationDone) -> None:
        now = time.perf_counter()
        if self.live and now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            self.stream.write("\r" + self.line() + "\033[K")
            self.stream.flush()
        elif not self.live and event.iter * 10 // self.total > self._tenth:
            self._tenth = event.iter * 10 // self.total
            self.stream.write(self.line() + "\n")

    def line(self) -> str:
        """The bar, iteration, loss, learning rate, accuracy of the last test, and the seconds still to go."""
        if self.last is None:
            return ""
        done = self.last.iter / self.total
        filled = int(done * WIDTH)
        left = (time.perf_counter() - self._start) / done * (1 - done)
        accuracy = "" if self.accuracy is None else f"   test {self.accuracy:.2%}"
        return (
            f"[{'#' * filled}{'.' * (WIDTH - filled)}] {self.last.iter:>{len(str(self.total))}}/{self.total}"
            f"   loss {self.last.smoothed_loss:<8.4g} lr {self.last.lr:<8.4g}{accuracy}   {left:4.1f} s left"
        )

    def close(self) -> None:
        """Draw the last state and end the line."""
        if self.live:
            self.stream.write("\r" + self.line() + "\033[K\n")
            self.stream.flush()
