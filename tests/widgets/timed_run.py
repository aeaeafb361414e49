"""A run that writes down when each of its controls was called, for the test of a busy kernel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import owlkit

ASKED = Path("asked.txt")


def _called(name: str) -> None:
    with ASKED.open("a", encoding="utf-8") as file:
        file.write(f"{name} {time.time():.6f}\n")


class TimedRun(owlkit.Run):
    """Controls append "name seconds-of-the-epoch" to a file: while a cell runs nothing else can be asked."""

    def pause(self, *, source: str = "code") -> None:
        _called("pause")
        super().pause(source=source)

    def resume(self, *, source: str = "code") -> None:
        _called("resume")
        super().resume(source=source)

    def step(self, n: int = 1, *, source: str = "code") -> None:
        _called(f"step{n}")
        super().step(n, source=source)

    def snapshot(self, *, source: str = "code") -> Any:
        _called("snapshot")
        return super().snapshot(source=source)

    def set_lr(self, value: float | None, *, source: str = "code") -> None:
        _called("lr")
        super().set_lr(value, source=source)

    def stop(self, *, source: str = "code") -> None:
        _called("stop")
        super().stop(source=source)
