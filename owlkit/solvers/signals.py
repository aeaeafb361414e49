"""Holding Ctrl-C back until a point where nothing is half done."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class hold_interrupts:
    """Within the block Ctrl-C only sets `pending`, and is raised when the block ends; a second one at once.

    Acts in the main thread, and where Python's own handler is in place: elsewhere nothing is to be held.
    """

    pending = False

    def __enter__(self) -> hold_interrupts:
        in_main = threading.current_thread() is threading.main_thread()
        self._acts = in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._acts:
            signal.signal(signal.SIGINT, self._remember)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not self._acts:
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.pending and error is None:
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            signal.default_int_handler(number, frame)
        self.pending = True
