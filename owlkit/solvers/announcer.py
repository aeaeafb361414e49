"""Who is told what happens in a training."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import Any

from owlkit.core import events

log = logging.getLogger("owlkit")


class Announcer:
    """Listeners, who are told of events, and callbacks, which are part of the training.

    iter : updates done, with which remarks are dated.
    """

    iter: int = 0

    def __init__(self) -> None:
        self._listeners: list[events.Listener] = []
        self._callbacks: list[tuple[Callable[[], Any], Callable[[], Any]]] = []

    def add_listener(self, listener: events.Listener) -> Callable[[], None]:
        """Have `listener(event)` called in the training thread; returns a function that ends it.

        A listener that raises is logged once and removed; training goes on.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def add_callback(self, on_start: Callable[[], Any], on_gradients_ready: Callable[[], Any]) -> None:
        """Call `on_start()` before the passes of each iteration, `on_gradients_ready()` before its update.

        They are part of the training: what they raise ends it. Caffe's Solver::add_callback.
        """
        self._callbacks.append((on_start, on_gradients_ready))

    def emit(self, event: Any) -> None:
        """Tell all listeners."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("a listener of the training failed and was removed: %r", listener)
                self._listeners.remove(listener)

    def warn(self, message: str) -> None:
        """Remark something to all listeners."""
        self.emit(events.Warned(self.iter, message))


def while_alive(remark: Callable[[str], None]) -> Callable[[str], None]:
    """The bound method, without keeping its solver: a layer that held it would outlive both."""
    reference = weakref.WeakMethod(remark)

    def call(message: str) -> None:
        method = reference()
        if method is not None:
            method(message)

    return call
