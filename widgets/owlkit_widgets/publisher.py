"""A thread that sends what is new, at most five times a second."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("owlkit")

PERIOD = 0.2
"""Seconds between updates of the curve."""
HEARTBEAT = 3.0
"""Seconds without news after which the browser is told that the kernel is there."""


class Publisher:
    """Calls `publish` soon after `wake`, never more often than every `period`, in a thread of its own.

    quiet : called after each `heartbeat` seconds without news; where it returns False the thread ends, and
        the next news start another: nothing runs beside a finished run.
    """

    def __init__(
        self,
        publish: Callable[[], None],
        quiet: Callable[[], bool],
        period: float = PERIOD,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        self._publish = publish
        self._quiet = quiet
        self._period = period
        self._heartbeat = heartbeat
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
            if not self._news.wait(self._heartbeat):
                if self._quiet():
                    continue
                with self._lock:
                    if not self._news.is_set():
                        self._thread = None
                        return
            self._news.clear()
            start = time.thread_time()
            try:
                self._publish()
            except Exception:
                log.exception("the monitor could not be updated; it tries again with the next news")
            self.cpu_seconds += time.thread_time() - start
            time.sleep(self._period)
