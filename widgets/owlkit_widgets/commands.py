"""What the buttons do to a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .recorder import Recorder

SOURCE = "button"
REQUESTS = frozenset({"pause", "resume", "step", "stop", "snapshot", "lr", "undo_lr"})
"""What a training serves after its present iteration: who asks does not wait."""
ACTIVE = ("running", "paused")
"""States of a run in which it serves requests; in others they are carried out by who asks."""


class Controls:
    """Carries out the browser's commands: start, pause, resume, step, stop, snapshot, back, lr, undo_lr.

    run : has these as methods, with `set_lr(value | None, source=)`.
    recorder : knows the rates that were set from code.
    """

    def __init__(self, run: Any, recorder: Recorder) -> None:
        self._run = run
        self._recorder = recorder
        # Learning rate set over the policy's, None where the policy rules: now, and before the last `lr`.
        self._override: float | None = None
        self._before: float | None = None
        self._code_known = 0  # how many rates set from code are in `_override`
        self._commands: dict[str, Callable[[Any], object]] = {
            "start": lambda _: run.start(),
            "pause": lambda _: run.pause(source=SOURCE),
            "resume": lambda _: run.resume(source=SOURCE),
            "stop": lambda _: run.stop(source=SOURCE),
            "snapshot": lambda _: run.snapshot(source=SOURCE),
            "step": self._step,
            "back": lambda value: run.back(None if value is None else int(value), source=SOURCE),
            "lr": self._rate,
            "undo_lr": self._undo_rate,
        }

    def at_once(self, name: str) -> bool:
        """Whether a command takes no time now."""
        return name in REQUESTS and self._run.state in ACTIVE

    def obey(self, name: str, value: Any) -> str | None:
        """Carry out a command; why it was refused, or None.

        Errors go back to the button that was pressed: nobody reads a traceback from a message handler.
        """
        command = self._commands.get(name)
        if command is None:
            return f"unknown command {name!r}; known are {', '.join(self._commands)}"
        try:
            command(value)
        except Exception as error:
            return str(error) or type(error).__name__
        return None

    def _step(self, value: Any) -> None:
        n = int(value)
        if n < 1:
            raise ValueError(f"step: found {n}, expected a number of iterations from 1 on")
        self._run.step(n, source=SOURCE)

    def _rate(self, value: Any) -> None:
        rate = float(value)
        if not 0 < rate < float("inf"):
            raise ValueError(f"learning rate: found {value}, expected a number above zero")
        from_code = self._recorder.rates_from_code()
        if len(from_code) != self._code_known:
            self._override, self._code_known = from_code[-1] if from_code else None, len(from_code)
        self._run.set_lr(rate, source=SOURCE)
        self._before, self._override = self._override, rate

    def _undo_rate(self, _value: Any) -> None:
        self._run.set_lr(self._before, source=SOURCE)
        self._override = self._before
