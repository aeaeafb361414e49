"""What the buttons do to a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .recorder import OVER, Recorder

SOURCE = "button"
REQUESTS = frozenset({"pause", "resume", "step", "stop", "snapshot", "lr", "undo_lr"})
"""What a training serves after its present iteration: who asks does not wait."""
ACTIVE = ("running", "paused")
"""States of a run in which it serves requests; in others they are carried out by who asks."""
HALTS = frozenset({"pause", "stop"})
GOES_ON = frozenset({"resume", "step"})
"""Commands that let a paused run go on, and would begin a training anew where it has ended."""
BECAME = {
    "ready": "has not begun",
    "stopped": "was stopped",
    "finished": "has finished",
    "failed": "has failed",
    "diverged": "has diverged",
}
"""What is said of a run in the states in which it is not in training."""
MISSED = OVER - {"stopped"}
"""States in which a run ends by itself."""


class Controls:
    """Carries out the browser's commands: start, pause, resume, step, stop, snapshot, back, lr, undo_lr.

    run : has these as methods, with `set_lr(value | None, source=)`.
    name : of the run. recorder : knows the rates that were set from code.
    """

    def __init__(self, run: Any, name: str, recorder: Recorder) -> None:
        self._run, self._name = run, name
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

    def obey(self, name: str, value: Any, shown: str) -> None:
        """Carry out a command. shown : the state that the page showed when the button was pressed.

        Raises ValueError where it is refused, also where the run has ended or begun since and the command
        would now do something else; and what the run raises.
        """
        command = self._commands.get(name)
        if command is None:
            raise ValueError(f"unknown command {name!r}; known are {', '.join(self._commands)}")
        self._check_meant(name, shown, self._run.state)
        command(value)
        state = self._run.state
        if name in HALTS and state in MISSED:  # it ended before the request could be served
            raise ValueError(self._too_late(name, state))

    def _check_meant(self, name: str, shown: str, state: str) -> None:
        if name in HALTS and state in BECAME:
            raise ValueError(self._too_late(name, state))
        begun = name == "start" and state != "ready"  # the page has not heard of it
        if begun or (name in GOES_ON and state in OVER and shown not in BECAME):
            again = ": press again to train on" if state == "stopped" else ""
            raise ValueError(f"{self._name} {BECAME.get(state, 'has begun')} meanwhile{again}")
        if name == "back" and state in ACTIVE and shown in OVER:
            raise ValueError(f"{self._name} is in training again: it was not put back")

    def _too_late(self, name: str, state: str) -> str:
        return f"{self._name} {BECAME[state]}: there is nothing to {name}"

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
