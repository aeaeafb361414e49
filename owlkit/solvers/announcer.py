"""Who is told what happens in a training."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from owlkit.core import events
from owlkit.net.turns import Turns

log = logging.getLogger("owlkit")


@dataclass(frozen=True, eq=False)
class _Listening:
    """See `Announcer.add_listener`."""

    listener: events.Listener
    at_rest: Callable[[], bool]


class Announcer:
    """Listeners, who are told of events, and callbacks, which are part of the training.

    iter : updates done, with which remarks are dated.
    """

    iter: int = 0

    def __init__(self) -> None:
        self._listeners: list[_Listening] = []
        self._callbacks: list[tuple[Callable[[], Any], Callable[[], Any]]] = []

    def add_listener(
        self, listener: events.Listener, at_rest: Callable[[], bool] = lambda: True
    ) -> Callable[[], None]:
        """Have `listener(event)` called in the training thread; returns a function that ends it.

        at_rest : asked before each iteration whether the net has to stand still when the listener hears of
            it, which by default it has to. Where nobody wants that, a GPU begins with the next iteration
            before: `IterationDone.late` says so.
        A listener that raises is logged once and removed; training goes on.
        """
        listening = _Listening(listener, at_rest)
        self._listeners.append(listening)
        return lambda: self._listeners.remove(listening) if listening in self._listeners else None

    def add_callback(self, on_start: Callable[[], Any], on_gradients_ready: Callable[[], Any]) -> None:
        """Call `on_start()` before the passes of each iteration, `on_gradients_ready()` before its update.

        They are part of the training: what they raise ends it. Caffe's Solver::add_callback.
        """
        self._callbacks.append((on_start, on_gradients_ready))

    def emit(self, event: Any) -> None:
        """Tell all listeners."""
        for listening in tuple(self._listeners):
            try:
                listening.listener(event)
            except Exception:
                self._remove_failed(listening)

    def _somebody_looks(self) -> bool:
        """Whether a listener wants the net to stand still when it hears of the next iteration."""
        found = False
        for listening in tuple(self._listeners):
            try:
                found |= bool(listening.at_rest())
            except Exception:
                self._remove_failed(listening)
        return found

    def _remove_failed(self, listening: _Listening) -> None:
        """To be called where its error is handled."""
        log.exception("a listener of the training failed and was removed: %r", listening.listener)
        self._listeners.remove(listening)

    def warn(self, message: str) -> None:
        """Remark something to all listeners."""
        self.emit(events.Warned(self.iter, message))

    def warn_after(self, turns: Turns, message: str) -> None:
        """As `warn`, from within a pass: they are told when it is over."""
        turns.afterwards(partial(self.emit, events.Warned(self.iter, message)))


def while_alive(method: Callable[..., None]) -> Callable[..., None]:
    """A bound method, without keeping its solver: a layer that held it would outlive both."""
    reference = weakref.WeakMethod(method)

    def call(*given: Any) -> None:
        method = reference()
        if method is not None:
            method(*given)

    return call
