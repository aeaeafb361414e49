"""What the buttons do to a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .recorder import Recorder

SOURCE = "button"


class Controls:
    """Carries out the browser's commands: `start`, `pause`, `resume`, `step`, `stop`, `snapshot`, `lr`, `undo_lr`.

    run : has these as methods, with `set_lr(value | None, source=)`. recorder : knows the rates set so far.
    """

    def __init__(self, run: Any, recorder: Recorder) -> None:
        self._run = run
        self._recorder = recorder
        self._before: float | None = None  # the override that the last `lr` replaced; None is the policy
        self._back_at_policy = -1  # number of rates set when an undo went back to the policy
        self._commands: dict[str, Callable[[Any], object]] = {
            "start": lambda _: run.start(),
            "pause": lambda _: run.pause(source=SOURCE),
            "resume": lambda _: run.resume(source=SOURCE),
            "stop": lambda _: run.stop(source=SOURCE),
            "snapshot": lambda _: run.snapshot(source=SOURCE),
            "step": self._step,
            "lr": self._rate,
            "undo_lr": self._undo_rate,
        }

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
        rates = self._recorder.rates_set()
        self._before = rates[-1] if rates and len(rates) != self._back_at_policy else None
        self._run.set_lr(rate, source=SOURCE)

    def _undo_rate(self, _value: Any) -> None:
        self._run.set_lr(self._before, source=SOURCE)
        if self._before is None:  # the undo sets a rate too, and is served after this
            self._back_at_policy = len(self._recorder.rates_set()) + 1
