"""A line of text that tells how far a download is."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

_INTERVAL_SECONDS = 0.2
_WIDTH = 30  # characters of the bar


class Progress:
    """On a terminal a bar that is drawn anew; elsewhere one line at the start and one at the end.

    total : bytes, or None where unknown. done : bytes that were there before.
    """

    def __init__(self, name: str, total: int | None, done: int = 0, stream: TextIO | None = None) -> None:
        self.name, self.total, self.done = name, total, done
        self.stream = stream if stream is not None else sys.stderr
        self._live = self.stream.isatty()
        self._next = 0.0

    def __enter__(self) -> Progress:
        if not self._live:
            size = "unknown size" if self.total is None else f"{self.total / 1e6:.1f} MB"
            resumed = f", resumed at {self.done / 1e6:.1f} MB" if self.done else ""
            self._write(f"downloading {self.name} ({size}{resumed})\n")
        return self

    def advance(self, count: int) -> None:
        """Count bytes that arrived."""
        self.done += count
        now = time.monotonic()
        if self._live and now >= self._next:
            self._next = now + _INTERVAL_SECONDS
            self._write(f"\r{self.line()}")

    def line(self) -> str:
        """The bar as text."""
        if not self.total:
            return f"{self.name}  {self.done / 1e6:.1f} MB"
        share = min(self.done / self.total, 1.0)
        bar = ("=" * round(share * _WIDTH)).ljust(_WIDTH)
        return f"{self.name}  [{bar}] {share:4.0%}  {self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._write(f"\r{self.line()}\n")
        elif kind is None:
            self._write(f"{self.name}: {self.done / 1e6:.1f} MB done\n")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
