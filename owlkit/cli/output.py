"""Standard output that cannot be written: the disk is full, or who reads it has left (`| head`)."""

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
    if error.filename is None and error.errno == errno.ENOSPC:
        return f"the output cannot be written: {error.strerror}"
    return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"


def written(status: int, command: str) -> int:
    """The exit status when all output is written: FAILED where that cannot be, which is then told."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard()
        return FAILED
    except OSError as error:
        discard()
        print(f"{command}: {said(error)}", file=sys.stderr)
        return FAILED
    return status


def discard() -> None:
    """Send what is still buffered, and all that follows, nowhere: Python would complain of it at its exit."""
    with suppress(OSError, ValueError):  # in a test there is no file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def follow(run: Any, stream: TextIO, command: str) -> Callable[[], bool]:
    """Follow a training as text; returns a function that tells whether all could be written so far.

    A full disk is told at once, and the training goes on. A reader that has left ends it as Ctrl-C does, with
    a snapshot.
    """
    from owlkit.training import TextMonitor

    failures: list[OSError] = []

    def note(error: OSError) -> None:
        failures.append(error)
        if isinstance(error, BrokenPipeError):
            run.stop()
        else:
            print(f"{command}: {said(error)}; the training goes on", file=sys.stderr)

    TextMonitor(run, stream, reasons=False, on_failure=note).follow()

    def all_written() -> bool:
        if failures:
            discard()
        return not failures

    return all_written
