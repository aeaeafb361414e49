"""Holding Ctrl-C back until a point where nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Held:
    """Whether an interrupt arrived; `release` raises it. A second one is raised at once."""

    def __init__(self) -> None:
        self.pending = False

    def release(self) -> None:
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt


@contextmanager
def hold_interrupts() -> Iterator[Held]:
    """Within the block Ctrl-C only sets `pending`, and is raised when the block ends.

    Acts in the main thread, and where Python's own handler is in place: elsewhere nothing is to be held.
    """
    held = Held()
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield held
        return

    def remember(number: int, frame: FrameType | None) -> None:
        if held.pending:
            signal.default_int_handler(number, frame)
        held.pending = True

    signal.signal(signal.SIGINT, remember)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    held.release()
