"""Listeners of a run, each in a thread of its own, so that none can stop or slow the training."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from owlkit.core.events import IterationDone, Listener

log = logging.getLogger("owlkit")

LIMIT = 10_000  # events that wait for a listener; beyond that the oldest are dropped
EVERY = 0.05
"""Seconds between two deliveries of iterations. A thread that wakes in each iteration takes a core from those
that compute, and all others wait for that one: it costs a small net several per cent of its time."""


class Subscription:
    """One listener and the events that wait for it. A listener that raises is logged once and ended.

    every : seconds, or what tells them after each delivery. Iterations are delivered in order but at most
        that often, all that have come meanwhile one after the other; any other event is delivered at once,
        after what came before it.
    after : called in the same thread after each delivery.
    """

    def __init__(
        self,
        listener: Listener,
        every: float | Callable[[], float] = EVERY,
        after: Callable[[], object] | None = None,
    ) -> None:
        self._listener, self._after = listener, after
        self._every: Callable[[], float] = every if callable(every) else lambda: every
        self._waiting: deque[Any] = deque(maxlen=LIMIT)
        self._condition = threading.Condition()
        self._busy = self._idle = self._urgent = False
        self._due = 0.0  # when iterations may be delivered again
        self._thread: threading.Thread | None = None
        self.ended = False

    def put(self, event: Any) -> None:
        """Hand over an event; returns at once."""
        with self._condition:
            if self.ended:
                return
            self._waiting.append(event)
            if not isinstance(event, IterationDone):
                self._urgent = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="owlkit listener", daemon=True)
                self._thread.start()
            elif self._urgent or self._idle:
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
            self._urgent = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self.ended or not (self._waiting or self._busy), timeout)

    def _work(self) -> None:
        while batch := self._next():
            try:
                self._deliver(batch)
            except Exception:
                log.exception("a listener of the run failed and was ended: %r", self._listener)
                self.end()

    def _deliver(self, batch: deque[Any]) -> None:
        start = time.monotonic()
        for event in batch:
            if self.ended:
                return
            self._listener(event)
        if self._after is not None and not self.ended:
            self._after()
        self._due = start + self._every()

    def _next(self) -> deque[Any]:
        """The events to deliver now; none after the end."""
        with self._condition:
            self._rest()
            batch, self._waiting = self._waiting, deque(maxlen=LIMIT)
            self._busy, self._urgent = bool(batch), False
            return batch

    def _rest(self) -> None:
        """Sleep until there is something to deliver and it is time for it."""
        self._busy = False
        self._condition.notify_all()  # whoever flushes
        self._condition.wait_for(self._called, self._due - time.monotonic())
        self._idle = True
        self._condition.wait_for(lambda: self.ended or self._waiting)
        self._idle = False

    def _called(self) -> bool:
        return self.ended or self._urgent
