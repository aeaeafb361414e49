"""Tracebacks of errors in code that a user wrote and we call: our frames between theirs say nothing to them.

A notebook shows each frame with the lines around it, so that a misspelt name in a Python layer's forward
stood under some twenty frames of ours. What lies before the call of ours that they made, and what their own
code calls, stays.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])
_doors: set[CodeType] = set()
_FOUND = "_owlkit_users_traceback"


class Kept:
    """A traceback beside an error. A copy of the error has none: it may be one for another process."""

    def __init__(self, entry: TracebackType | None) -> None:
        self.entry = entry

    def __reduce__(self) -> Any:
        return Kept, (None,)


def calls_user_code(function: Function) -> Function:
    """Decorator of a function that calls what a user wrote: what it calls is theirs."""
    _doors.add(function.__code__)
    return function


def of_user_code(error: BaseException) -> TracebackType | None:
    """The part of an error's traceback that begins in a user's code; None where it comes from elsewhere.

    Their code may stand above it, too: a callback of a training that runs a net with a layer of theirs.
    """
    entry, begin = error.__traceback__, _begin(error)
    if entry is None or begin is None or entry is begin:
        return begin
    entry = entry.tb_next
    while entry is not None and entry is not begin and _is_ours(entry):
        entry = entry.tb_next
    return entry


def _begin(error: BaseException) -> TracebackType | None:
    """What a user's code called of ours has called first, of theirs."""
    kept = vars(error).get(_FOUND)
    entry, known = error.__traceback__, kept.entry if kept is not None else None
    while entry is not None and entry is not known and entry.tb_frame.f_code not in _doors:
        entry = entry.tb_next
    if entry is not None and entry is not known:
        entry = entry.tb_next
        while entry is not None and _package(entry) == "importlib":  # before a module's own lines
            entry = entry.tb_next
    return entry


def _is_ours(entry: TracebackType) -> bool:
    return _package(entry) in ("owlkit", "contextlib", "functools")


def _package(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def shorten(error: BaseException) -> None:
    """Take away what lies between the frame that handles the error and the user's code that raised it.

    Call it where an error leaves a function that users call; nothing happens to errors of our own.
    """
    entry, theirs = error.__traceback__, of_user_code(error)
    if entry is not None and theirs is not None and theirs is not entry:
        vars(error)[_FOUND] = Kept(_begin(error))  # the call that shows where it begins will be gone
        entry.tb_next = theirs


class Shortened:
    """Context in which errors of a user's code are shortened: see `shorten`."""

    def __enter__(self) -> None:
        """Nothing is to be prepared."""

    def __exit__(self, kind: object, error: BaseException | None, entry: TracebackType | None) -> None:
        if error is not None:
            shorten(error)


def place(error: BaseException) -> str:
    """Where in the user's own file it went wrong, in a line; "" where it comes from elsewhere."""
    frames = traceback.extract_tb(of_user_code(error))
    mine = [frame for frame in frames if frame.filename == frames[0].filename]
    return f"line {mine[-1].lineno}, in {mine[-1].name}: {mine[-1].line}" if mine else ""


def told(error: BaseException) -> str:
    """The user's own frames and the error, as Python prints them; "" where it comes from elsewhere."""
    theirs = of_user_code(error)
    return "".join(traceback.format_exception(error.with_traceback(theirs))) if theirs is not None else ""
