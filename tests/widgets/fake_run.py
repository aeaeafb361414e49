"""A run without a net: the part of `owlkit.training.run.Run` that the monitor uses, on made-up losses."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from owlkit.core import events
from owlkit.training.history import History
from owlkit.training.registry import enrol

POLICY_RATE = 0.01


class FakeRun:
    """Made-up training: a loss that falls, tests at an interval, controls polled between iterations.

    rest_at : iteration at which it stays, running, until a control is called for the first time.
    """

    frontend_kind = "run"

    def __init__(
        self,
        name: str = "lenet",
        max_iter: int = 2000,
        seconds: float = 0.004,
        test_interval: int = 200,
        diverge_at: int | None = None,
        solver: Any = None,
        test_nets: tuple[str, ...] = ("test",),
        rest_at: int | None = None,
    ) -> None:
        self.name, self.max_iter, self.seconds = name, max_iter, seconds
        self.test_interval, self.diverge_at, self.rest_at = test_interval, diverge_at, rest_at
        self.iter, self.state = 0, "ready"
        self.solver, self.test_nets = solver, test_nets
        self.number = enrol(self)
        self.history = History()
        self._lr = POLICY_RATE
        self._random = random.Random(3)
        self._listeners: list[Callable[[Any], None]] = []
        self._go, self._end, self._asked = threading.Event(), threading.Event(), threading.Event()
        self._steps: int | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    # -- controls ------------------------------------------------------------------------------------------

    def start(self) -> FakeRun:
        self._state("running")
        self._go.set()
        self._thread.start()
        return self

    def pause(self, source: str = "code") -> None:
        self._go.clear()
        self._intervened("pause", "", source)

    def resume(self, source: str = "code") -> None:
        self._steps = None
        self._intervened("resume", "", source)
        self._state("running")
        self._go.set()

    def step(self, n: int = 1, source: str = "code") -> None:
        self._steps = n
        self._intervened("step", f"{n}", source)
        self._go.set()

    def stop(self, source: str = "code") -> None:
        self._intervened("stop", "", source)
        self._end.set()
        self._go.set()

    def snapshot(self, source: str = "code") -> None:
        self._intervened("snapshot", "", source)
        self.emit(events.SnapshotWritten(self.iter, f"{self.name}.caffemodel", f"{self.name}.solverstate"))

    def wait(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    @property
    def lr(self) -> float:
        return self._lr

    def set_lr(self, value: float | None, source: str = "code") -> None:
        before, self._lr = self._lr, POLICY_RATE if value is None else value
        self._intervened("lr", f"{before:g} → {self._lr:g}", source, before, self._lr)

    # -- events --------------------------------------------------------------------------------------------

    def subscribe(
        self, listener: Callable[[Any], None], every: Any = 0.0, after: Callable[[], object] | None = None
    ) -> Callable[[], None]:
        def told(event: Any) -> None:
            listener(event)
            if after is not None:
                after()

        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    def emit(self, event: Any) -> None:
        if isinstance(self.history, History):  # a test may have put another in its place
            self.history.record(event)
        for listener in list(self._listeners):
            listener(event)

    def _intervened(self, kind: str, text: str, source: str, *rates: float) -> None:
        self.emit(events.Intervention(self.iter, kind, text, source, *rates))
        self._asked.set()

    def _state(self, state: str, reason: str = "") -> None:
        self.state = state
        self.emit(events.StateChanged(self.iter, state, reason))

    # -- made-up training ----------------------------------------------------------------------------------

    def loss(self, iteration: int) -> float:
        smooth = 0.02 + 2.2 * math.exp(-iteration / 90) + 0.25 * math.exp(-iteration / 600)
        grown = max(0.0, iteration - (self.diverge_at or math.inf) + 40)
        return smooth * math.exp(self._random.gauss(0, 0.22)) + (grown / 14) ** 2

    def advance(self, n: int = 1) -> None:
        """Do `n` iterations at once, in this thread."""
        for _ in range(n):
            self.iter += 1
            loss = self.loss(self.iter)
            done = events.IterationDone(
                self.iter, loss, loss, self._lr, self.seconds, self.seconds * 0.03, 64
            )
            if self.solver is not None:
                self.solver.update(self.iter)
                for listener in list(self.solver.listeners):
                    listener(done)
            self.emit(done)
            if self.iter % self.test_interval == 0:
                for index, name in enumerate(self.test_nets):
                    accuracy = 0.992 - 0.04 * index - 0.7 * math.exp(-self.iter / 150)
                    outputs = {"accuracy": accuracy, "loss": self.loss(self.iter) * 1.1 + 0.2 * index}
                    self.emit(events.TestDone(self.iter, index, name, outputs, None, 0.01))

    def _work(self) -> None:
        while not self._end.is_set() and self.iter < self.max_iter:
            if not self._go.is_set():
                self._state("paused")
                self._go.wait()
                continue
            self.advance()
            if self.iter == self.rest_at:
                self._asked.wait()
            if self.iter == self.diverge_at:
                self.emit(
                    events.Diverged(
                        self.iter, math.nan, "conv2", "weight gradient", "NaN in 3 of 25000 values"
                    )
                )
                return self._state("diverged", "NaN in conv2")
            if self._steps is not None:
                self._steps -= 1
                if self._steps == 0:
                    self._steps = None
                    self._go.clear()
            time.sleep(self.seconds)
        return self._state("stopped" if self._end.is_set() else "finished")
