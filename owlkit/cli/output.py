"""Output that cannot be written: the disk is full, who reads it has left (`| head`), it was closed.

Standard output is what was asked for: where it cannot be written the status says so. Standard error is a
courtesy: where nobody can be told the work goes on.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from owlkit.cli.status import FAILED
from owlkit.core.errors import OwlkitError


def said(error: Exception) -> str:
    """What an error says; without numbers where it comes from the system."""
    if not isinstance(error, OSError) or isinstance(error, OwlkitError) or not error.strerror:
        return str(error)
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF):
        return f"the output cannot be written: {error.strerror}"
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def open_closed_streams() -> None:
    """Put something in the place of standard streams that the caller has closed (`2>&-`).

    Their numbers would go to the next files that are opened, a snapshot say, and what is told would go into
    those. To write to standard output still fails; what is told on standard error is lost.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)  # the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def tell(text: str) -> None:
    """Say something on standard error, if anybody can be told."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def written(status: int, command: str) -> int:
    """The exit status when all output is written: FAILED where that cannot be, which is then told."""
    try:
        return _all_written(status, command)
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            discard(sys.stderr)


def _all_written(status: int, command: str) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard()
        return FAILED
    except OSError as error:
        discard()
        tell(f"{command}: {said(error)}")
        return FAILED
    return status


def discard(stream: TextIO | None = None) -> None:
    """Send what is still buffered, and all that follows, nowhere: Python would complain of it at its exit.

    stream : None takes standard output.
    """
    with suppress(OSError, ValueError):  # in a test there is no file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())


def follow(run: Any, stream: TextIO, command: str) -> Callable[[], bool]:
    """Follow a training as text; returns a function that tells whether all could be written so far.

    A full disk is told at once, and the training goes on. A reader of standard output that has left ends it
    as Ctrl-C does, with a snapshot; one of standard error alone does not.
    """
    from owlkit.training import TextMonitor

    failures: list[OSError] = []

    def note(error: OSError) -> None:
        failures.append(error)
        if isinstance(error, BrokenPipeError):
            if _is_output(stream):
                run.stop()
        else:
            tell(f"{command}: {said(error)}; the training goes on")

    TextMonitor(run, stream, reasons=False, on_failure=note).follow()

    def all_written() -> bool:
        if failures and stream is sys.stdout:  # standard error may have room again when there is more to tell
            discard()
        return not failures

    return all_written


def _is_output(stream: TextIO) -> bool:
    """Whether it leads to where standard output does (`2>&1`)."""
    return stream is sys.stdout or os.path.sameopenfile(stream.fileno(), sys.stdout.fileno())
