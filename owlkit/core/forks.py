"""Processes forked from one that has computed.

OpenMP's threads stay behind, and who asks for them waits for ever.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from owlkit.core.errors import DeviceError

log = logging.getLogger("owlkit")


class _Forked:
    """generation : forks that led to this process and left threads behind. told : whether the log says so."""

    generation = 0
    told = True


def when_forked(alone: Callable[[], bool]) -> None:
    """To be called once, where threads are first asked for.

    alone : run in a forked child; has it compute with one thread, or returns False where it did already.
    """

    def leave_behind() -> None:
        if alone():
            _Forked.generation += 1
            _Forked.told = False

    os.register_at_fork(after_in_child=leave_behind)


def generation() -> int:
    """To be kept by what holds kernels, for `check`."""
    return _Forked.generation


def check(made_in: int) -> None:
    """Raise DeviceError in a child for what was made before the fork, whose kernels wait for the threads."""
    if made_in != _Forked.generation:
        raise DeviceError(
            "this net was made before the process was forked, which left its threads behind: make it in the "
            "child, or start processes by multiprocessing.get_context('spawn')"
        )


def tell() -> None:
    """Say once in a child that it has one thread."""
    if not _Forked.told:
        _Forked.told = True
        log.warning(
            "this process was forked from one that has computed: it computes with one thread; "
            "multiprocessing.get_context('spawn') starts processes that use all cores"
        )
