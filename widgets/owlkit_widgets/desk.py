"""A thread of a widget's own, for what the browser asks of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress


class Desk:
    """Does what is put on it, one thing after the other, in a thread that ends when nothing is left.

    name : of the thread. failed(error) : told of what a job raises, in that thread.
    """

    def __init__(self, name: str, failed: Callable[[Exception], None]) -> None:
        self._name, self._failed = name, failed
        self._lock = threading.Condition()
        self._jobs: deque[tuple[Hashable, Callable[[], None]]] = deque()
        self._thread: threading.Thread | None = None

    def put(self, job: Callable[[], None], key: Hashable = None) -> None:
        """Do this after all that was put before. Returns at once.

        key : where what was put last has the same one and waits still, this is done in its place: of many
        places that somebody scrolls past, the last is looked at.
        """
        with self._lock:
            if key is not None and self._jobs and self._jobs[-1][0] == key:
                self._jobs.pop()
            self._jobs.append((key, job))
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()  # where the system gives no more threads, the next call tries again
                self._thread = thread

    def clear(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._jobs.clear()

    def wait(self, seconds: float) -> bool:
        """Whether all was done within that time."""
        with self._lock:
            return self._lock.wait_for(lambda: self._thread is None, seconds)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    self._lock.notify_all()
                    return
                _, job = self._jobs.popleft()
            try:
                job()
            except Exception as error:
                with suppress(Exception):  # the thread has to live: it is asked for more
                    self._failed(error)
