"""A line of plain text while something takes long."""

from __future__ import annotations

import sys
import time

from owlkit.core import frontends

QUIET_SECONDS = 2.0  # what is over by then says nothing
INTERVAL_SECONDS = 0.5


class Progress:
    """What is going on, on one line that is written over, on a terminal or in a notebook.

    In a file or a pipe such a line would be letters without end beside the results, so there it is left out.
    shown : False means never. verb : what is done to `what`.
    """

    def __init__(self, shown: bool = True, verb: str = "checking", what: str = "") -> None:
        self.shown = shown and (frontends.in_notebook() or _on_terminal())
        self.verb, self.what = verb, what
        self.started = time.perf_counter()
        self._next, self._width = self.started + QUIET_SECONDS, 0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def due(self) -> bool:
        """Whether the next tick writes the line."""
        return self.shown and time.perf_counter() >= self._next

    def tick(self, detail: str = "") -> None:
        now = time.perf_counter()
        if self.due:
            self._next = now + INTERVAL_SECONDS
            self._write(f"{self.verb} {self.what}{detail}, {now - self.started:.0f} s")

    def _write(self, line: str) -> None:
        sys.stdout.write("\r" + line.ljust(self._width))
        sys.stdout.flush()
        self._width = len(line)

    def finish(self) -> None:
        """Take the line away."""
        if self._width:
            self._write("")
            sys.stdout.write("\r")
            sys.stdout.flush()


def _on_terminal() -> bool:
    """Standard output may also be None, as of a daemon, or something of the user's that has `write` alone."""
    return bool(getattr(sys.stdout, "isatty", bool)())
