"""Sending what is new, at most five times a second, and a sign of life where nothing is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("owlkit")

PERIOD = 0.2
"""Seconds between updates, at least."""
URGENT = 0.02
"""Seconds between updates, at least, where somebody waits for it: the run pauses, starts or ends."""
LONGEST = 1.0
"""Seconds that a finished iteration waits for an update, at most."""
HEARTBEAT = 3.0
"""Seconds without news after which the browser is told that the kernel is there."""
EARLY = 0.9
"""Share of the period that must have passed for an update in a listener's thread, which keeps to the period
itself, but not to the millisecond."""


def period_of(seconds: float) -> float:
    """Seconds between updates of a net whose iterations take that long.

    An update costs a large net's kernel most of a millisecond on a core that oneDNN wants: five in a second
    are for those with more to tell. Where iterations are slow, two make an update.
    """
    return min(max(PERIOD, 2 * seconds), LONGEST)


class Publisher:
    """Calls `publish`, never more often than every `period`: at once in a listener's thread (`news`), or soon
    in a thread of its own (`wake`).

    quiet : called in that thread after each `heartbeat` seconds without news; where it returns False the
        thread ends, and the next news start another: nothing runs beside a finished run.
    cpu_seconds : processor time of the calls.
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
        self._news, self._urgent = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last = -float("inf")  # when the newest update began, or sign of life was given
        self.cpu_seconds = 0.0
        self._remarked = False

    def news(self, urgent: bool = False) -> None:
        """Publish here and now, where it is time for it: a second thread to wake would cost as much again."""
        if time.monotonic() - self._last < (URGENT if urgent else EARLY * self._period):
            return self.wake(urgent)
        self._update()
        if self._thread is None:
            with self._lock:
                self._start()  # for the signs of life

    def wake(self, urgent: bool = False) -> None:
        """There is news that the thread shall publish as soon as it may. Cheap."""
        if urgent:
            self._urgent.set()
        if self._news.is_set() and self._thread is not None:
            return
        with self._lock:
            self._news.set()
            self._start()

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="owlkit-monitor", daemon=True)
            thread.start()  # where the system gives no more threads, the next news try again
            self._thread = thread

    def _work(self) -> None:
        while self._wait_for_news():
            while (rest := self._rest()) > 0:
                if self._urgent.is_set():
                    time.sleep(rest)
                else:
                    self._urgent.wait(rest)  # who comes with something urgent ends it
            self._urgent.clear()
            self._news.clear()
            self._update()

    def _rest(self) -> float:
        """Seconds until an update may be made."""
        period = URGENT if self._urgent.is_set() else self._period
        return self._last + period - time.monotonic()

    def _wait_for_news(self) -> bool:
        """Wait for news, with signs of life; False where nothing runs any more: the thread ends."""
        while not self._news.wait(max(0.0, self._last + self._heartbeat - time.monotonic())):
            if time.monotonic() - self._last < self._heartbeat:
                continue  # a listener's thread has published meanwhile
            if self._gave_sign():
                self._last = time.monotonic()
                continue
            with self._lock:
                if not self._news.is_set():
                    self._thread = None
                    return False
        return True

    def _gave_sign(self) -> bool:
        """Whether something runs still; the thread goes on where nobody can be told."""
        try:
            return self._quiet()
        except Exception as error:
            self._remark(error)
            return True

    def _update(self) -> None:
        self._last, start = time.monotonic(), time.thread_time()
        try:
            self._publish()
        except Exception as error:
            self._remark(error)
        self.cpu_seconds += time.thread_time() - start

    def _remark(self, error: Exception) -> None:
        """Once, in a line: the same would come with the next news, several times a second."""
        if not self._remarked:
            self._remarked = True
            log.warning(
                "the monitor could not be updated (%s: %s); training goes on, run.history is kept. It tries "
                "again, and says no more; owlkit.training.TextMonitor(run).follow() goes on in text",
                type(error).__name__, error,
            )  # fmt: skip
        log.debug("the monitor could not be updated", exc_info=error)
