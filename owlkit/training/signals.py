"""SIGINT and SIGHUP while a training runs in the main thread, with Caffe's effects."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from owlkit.core.errors import TrainingError, closest

EFFECTS = ("stop", "snapshot", "none")


def check_effect(effect: str) -> str:
    """`effect`, or TrainingError where it is none."""
    if effect not in EFFECTS:
        known = f"{closest(effect, EFFECTS)}; it is one of {', '.join(EFFECTS)}"
        raise TrainingError(f"unknown signal effect {effect!r}{known}")
    return effect


@contextmanager
def handle_signals(request: Callable[[str], None], sigint: str, sighup: str) -> Iterator[None]:
    """Within the block the signals call `request(effect)`; SIGINT after one that stops interrupts at once.

    Outside the main thread Python delivers no signals, and nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopping = False

    def act(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        effect = sigint if number == signal.SIGINT else sighup
        if stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        stopping = stopping or effect == "stop"
        if effect != "none":
            request(effect)

    before = {number: signal.signal(number, act) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
