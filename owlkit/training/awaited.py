"""A thread that waits for a training which waits for that thread: told, before both wait for ever."""

from __future__ import annotations

import threading
from typing import Any

from owlkit.core.errors import TrainingError


def check_not_awaited(run: Any, action: str) -> None:
    """TrainingError where the calling thread runs a net of `run`, or looks at it at rest.

    Training goes on when that has ended, so that nothing that waits for the training may be part of it.
    """
    for net in (run.solver.net, *run.solver.test_nets):
        if net.turns.mine and run._thread is not threading.current_thread():
            raise TrainingError(
                f"{action}: called in the midst of a pass of net {net.name!r}, or of at_rest(), for whose "
                f"end run {run.name!r} waits: neither would ever go on; call it afterwards"
            )
