"""How far a long command is: a bar on a terminal, now and then a line elsewhere, always on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import TextIO

BAR_WIDTH = 20  # characters at most
BAR_SECONDS = 0.2  # between two drawings on a terminal
LINE_SECONDS = 10.0  # between two lines in a log; what is done sooner says nothing


class Progress:
    """Counts what is done. As a context it takes its bar off the screen at the end, so that results stand
    alone.

    what : of the command, in a word or two. total : 0 where it is not known. unit : "images".
    """

    def __init__(self, what: str, total: int, unit: str, stream: TextIO | None = None) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.stream = stream if stream is not None else sys.stderr
        self.live = self.stream.isatty()
        self.done = 0
        self._started = time.monotonic()
        self._next = self._started + (BAR_SECONDS if self.live else LINE_SECONDS)
        self._drawn = 0

    def __enter__(self) -> Progress:
        return self

    def advance(self, count: int = 1) -> None:
        """Count, and tell where it is time to."""
        self.done += count
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (BAR_SECONDS if self.live else LINE_SECONDS)
        if self.live:
            self._draw(self.line(now))
        else:
            self.stream.write(self.line(now) + "\n")
            self.stream.flush()

    def advance_of(self, total: int) -> None:
        """Count one, where how many there are is known only now."""
        self.total = total
        self.advance()

    def tell(self, text: str) -> None:
        """Write a line of its own."""
        self._erase()
        self.stream.write(text + "\n")
        self.stream.flush()

    def line(self, now: float) -> str:
        """ "test  [=====     ]  1,200 of 4,000 batches  400/s  7 s left"; the bar shrinks to fit."""
        seconds = max(now - self._started, 1e-9)
        rate = self.done / seconds
        of = f" of {self.total:,}" if self.total else ""
        counted = f"{self.done:,}{of} {self.unit}"
        parts = [self.what, counted, f"{rate:.0f}/s" if rate >= 10 else f"{rate:.2g}/s"]
        if self.total and self.done:
            parts.append(f"{_time(seconds * (self.total - self.done) / self.done)} left")
        if self.total and self.live:
            free = shutil.get_terminal_size().columns - 5 - len("  ".join(parts))
            width = max(1, min(BAR_WIDTH, free))
            filled = min(width, width * self.done // self.total)
            parts.insert(1, "[" + ("=" * filled).ljust(width) + "]")
        return "  ".join(parts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._erase()

    def _erase(self) -> None:
        if self._drawn:
            self.stream.write("\r" + " " * self._drawn + "\r")
            self.stream.flush()
            self._drawn = 0

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self.stream.write("\r" + text.ljust(self._drawn))
        self.stream.flush()
        self._drawn = len(text)


def _time(seconds: float) -> str:
    left = round(max(seconds, 0.0))
    if left >= 3600:
        return f"{left // 3600} h {left % 3600 // 60} min"
    return f"{left // 60} min {left % 60} s" if left >= 60 else f"{left} s"
