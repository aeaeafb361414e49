"""A thread that sends what is new, at most five times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PERIOD = 0.2
"""Seconds between updates of the curve."""
IDLE = 5.0
"""Seconds without news after which the thread ends; the next news start another."""


class Publisher:
    """Calls `publish` soon after `wake`, never more often than every PERIOD, in a thread of its own.

    The thread lives only while there is news, so that nothing runs beside a paused or finished run.
    """

    def __init__(self, publish: Callable[[], None], period: float = PERIOD, idle: float = IDLE) -> None:
        self._publish = publish
        self._period = period
        self._idle = idle
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.cpu_seconds = 0.0

    def wake(self) -> None:
        """There is news. Cheap: called for every event of the run."""
        if self._news.is_set():
            return
        with self._lock:
            self._news.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="owlkit-monitor", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            if not self._news.wait(self._idle):
                with self._lock:
                    if not self._news.is_set():
                        self._thread = None
                        return
            self._news.clear()
            start = time.thread_time()
            self._publish()
            self.cpu_seconds += time.thread_time() - start
            time.sleep(self._period)
