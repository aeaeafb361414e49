"""What the buttons do to a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SOURCE = "button"


def _step(run: Any, value: Any) -> None:
    n = int(value)
    if n < 1:
        raise ValueError(f"step: found {n}, expected a number of iterations from 1 on")
    run.step(n, source=SOURCE)


def _rate(run: Any, value: Any) -> None:
    rate = float(value)
    if not 0 < rate < float("inf"):
        raise ValueError(f"learning rate: found {value}, expected a number above zero")
    if hasattr(run, "set_lr"):
        run.set_lr(rate, source=SOURCE)
    else:
        run.lr = rate


COMMANDS: dict[str, Callable[[Any, Any], object]] = {
    "start": lambda run, value: run.start(),
    "pause": lambda run, value: run.pause(source=SOURCE),
    "resume": lambda run, value: run.resume(source=SOURCE),
    "stop": lambda run, value: run.stop(source=SOURCE),
    "snapshot": lambda run, value: run.snapshot(source=SOURCE),
    "step": _step,
    "lr": _rate,
    "undo_lr": _rate,
}


def obey(run: Any, name: str, value: Any) -> str | None:
    """Carry out a command of the browser; why it was refused, or None.

    Errors go back to the button that was pressed: nobody reads a traceback from a message handler.
    """
    command = COMMANDS.get(name)
    if command is None:
        return f"unknown command {name!r}; known are {', '.join(COMMANDS)}"
    try:
        command(run, value)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
