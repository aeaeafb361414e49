"""Listeners of a run, each in a thread of its own, so that none can stop or slow the training."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

from owlkit.core.events import Listener

log = logging.getLogger("owlkit")

LIMIT = 10_000  # events that wait for a listener; beyond that the oldest are dropped


class Subscription:
    """One listener and the events that wait for it. A listener that raises is logged once and ended."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._waiting: deque[Any] = deque(maxlen=LIMIT)
        self._condition = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None
        self.ended = False

    def put(self, event: Any) -> None:
        """Hand over an event; returns at once."""
        with self._condition:
            if self.ended:
                return
            self._waiting.append(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="owlkit listener", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def end(self) -> None:
        """Deliver nothing more."""
        with self._condition:
            self.ended = True
            self._waiting.clear()
            self._condition.notify_all()

    def flush(self, timeout: float) -> None:
        """Wait until all events were delivered, at most `timeout` seconds."""
        if threading.current_thread() is self._thread:
            return
        with self._condition:
            self._condition.wait_for(lambda: self.ended or not (self._waiting or self._busy), timeout)

    def _work(self) -> None:
        while (event := self._next()) is not None:
            try:
                self._listener(event)
            except Exception:
                log.exception("a listener of the run failed and was ended: %r", self._listener)
                self.end()

    def _next(self) -> Any:
        with self._condition:
            self._busy = False
            self._condition.notify_all()
            self._condition.wait_for(lambda: self.ended or self._waiting)
            if self.ended:
                return None
            self._busy = True
            return self._waiting.popleft()
