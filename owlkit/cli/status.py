"""Exit statuses of all commands: for scripts, so they keep their meaning."""

from __future__ import annotations

OK, FAILED, USAGE, DIVERGED, NO_DEVICE, DIFFERENT, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

MEANINGS = {
    OK: "all went well",
    FAILED: "it failed; the message on standard error says what, and what to do",
    USAGE: "the command line makes no sense",
    DIVERGED: "a training diverged: its loss is no number any more",
    NO_DEVICE: "the device that was asked for cannot be used",
    DIFFERENT: "`owlkit diff` found differences",
    INTERRUPTED: "interrupted (Ctrl-C, SIGTERM); a training writes a snapshot first",
}


def status_of(error: Exception) -> int:
    """The exit status for an error that ended a command."""
    from owlkit.core.errors import DeviceError, TrainingError

    if isinstance(error, DeviceError):
        return NO_DEVICE
    if isinstance(error, TrainingError):
        from owlkit.solvers import DivergedError

        return DIVERGED if isinstance(error, DivergedError) else FAILED
    return FAILED
