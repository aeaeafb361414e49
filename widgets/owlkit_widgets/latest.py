"""A thread that does what was asked for last."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

Wish = TypeVar("Wish")


class GivenUp(Exception):
    """Raised by work that is no longer wanted."""


class Latest(Generic[Wish]):
    """Calls `work(wish)` in a thread of its own, the latest wish only: earlier ones are dropped.

    Work that takes long calls `check()` now and then; it raises GivenUp where a newer wish waits, or where
    `stop` was called. `failed(wish, error)` is told of everything else that the work raises: by then another
    wish may wait, or have been granted without any work.
    """

    def __init__(
        self, work: Callable[[Wish], None], failed: Callable[[Wish, Exception], None], name: str
    ) -> None:
        self._work, self._failed, self._name = work, failed, name
        self._lock = threading.Lock()
        self._waiting: list[Wish] = []
        self._stopped = False
        self._thread: threading.Thread | None = None

    def want(self, wish: Wish) -> None:
        """Do this next; what is being done is given up at its next `check`."""
        with self._lock:
            self._waiting, self._stopped = [wish], False
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()  # where the system gives no more threads, the next wish tries again
                self._thread = thread

    def stop(self) -> None:
        """Give up what is being done; what waits is given up at its first `check`, where it can be told."""
        with self._lock:
            self._stopped = True

    @property
    def stopped(self) -> bool:
        """Whether the last wish was taken back."""
        return self._stopped

    def check(self) -> None:
        """Raise GivenUp where the present work is no longer wanted."""
        if self._stopped or self._waiting:
            raise GivenUp

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                wish = self._waiting.pop()
            try:
                self._work(wish)
            except GivenUp:
                continue
            except Exception as error:  # nobody reads a traceback from this thread
                with suppress(Exception):  # the thread has to live: there may be another wish
                    self._failed(wish, error)
