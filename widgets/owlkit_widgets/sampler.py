"""Taking samples of a net between two iterations, at a bounded cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .watched import Watched

PERIOD = 0.5
"""Seconds between samples, at least, after the first ones: the panels are drawn twice a second."""
JUMP = 1.5
"""A learning rate that changes by this factor between two iterations is seen in the strips at once."""
SETTLED = 25
"""Iterations after which a momentum of 0.9 has forgotten the steps before such a jump: one more look."""
FILTERS_PERIOD = 2.0
"""Seconds between copies of the filters, at least."""
EAGER, EAGERNESS, EARLY = 100, 5, 2000
"""The first samples come this much closer, where the first is taken before iteration EARLY: most happens at
the start of a training, and a small net learns in seconds."""
SHARE = 0.001
"""Share of the training time that samples may take; a large net is sampled less often."""
WAITING = 64
"""Samples that may wait to be fetched; beyond that the oldest are dropped."""


@dataclass(frozen=True)
class Sample:
    """norms : (2, parameters) float32, of the weights and of the step that was subtracted from them.

    filters : (outputs, inputs, H, W) float32 or None. histograms : request -> what its reader returned.
    after : where training had gone back to since the sample before, else None.
    """

    iter: int
    norms: NDArray[np.float32] | None = None
    filters: NDArray[np.float32] | None = None
    histograms: dict[Any, Any] = field(default_factory=dict)
    after: int | None = None


class Sampler:
    """Listener of a solver, called in the training thread: only there do weights and their step stand still.

    An iteration that takes no sample costs one comparison of times. The step of SGD is its history, so it is
    there for the reading. With other rules the update kernel is asked to leave the step in the gradients
    (`rule.leaves_update`, as Caffe always does) in the one iteration that is sampled.

    requests : key -> function that is called with each sample and whose result goes into it.
    """

    def __init__(self, solver: Any, clock: Callable[[], float] = time.perf_counter) -> None:
        self.watched = Watched.of(solver.net)
        self.requests: dict[Any, Callable[[], Any]] = {}
        self.cost_seconds = 0.0
        self._rule = solver.rule
        self._clock = clock
        self._eager = EAGER if solver.iter < EARLY else 0  # samples still to come closer
        self._samples: deque[Sample] = deque(maxlen=WAITING)
        self._due = self._filters_due = -float("inf")
        self._asked: dict[Any, Any] | None = None  # histograms, while the step is waited for
        self._lr = 0.0  # of the iteration before, 0 before the first
        self._jumped = False  # there
        self._settled = -1  # iteration at which a jump of the rate shows in full
        self._last = self._taken = -1  # iteration that was seen last, that has a sample
        self._filters_taken = -1  # and one with filters
        self._after: int | None = None  # where training has gone back to since the last sample
        self._left_before = False
        self._steps_are_history = self._rule.name == "SGD"
        numbers = {id(parameter): i for i, parameter in enumerate(solver.net.learnable)}
        self._places = [numbers[id(parameter)] for parameter in self.watched.parameters]

    def __call__(self, event: Any) -> None:
        """Called after each iteration; events of other kinds pass."""
        if type(event).__name__ != "IterationDone":
            return
        if event.iter <= self._last:
            self._after, self._due = event.iter - 1, -float("inf")
            self._taken = self._filters_taken = -1
        jumps = self._lr > 0 and not 1 / JUMP < event.lr / self._lr < JUMP
        if jumps and not self._jumped:  # one that jumps all the time would be looked at all the time
            self._settled = event.iter + SETTLED
        self._jumped = jumps
        if event.iter in (self._settled - SETTLED, self._settled):
            self._due = -float("inf")
        self._last, self._lr = event.iter, event.lr
        if getattr(event, "late", False):  # the next one has begun; `at_rest` sees to it that not all are
            return
        start = self._clock()
        if start < self._due and self._asked is None:
            return
        if not self._steps_are_history and self._asked is None:
            self._ask_for_step()
            self.cost_seconds += self._clock() - start
            return
        self._take(event.iter, start)
        seconds = self._clock() - start
        self.cost_seconds += seconds
        self._due = start + max(self._often(PERIOD), seconds / SHARE)

    def at_rest(self) -> bool:
        """Whether the net has to stand still after the next iteration, because a sample is due."""
        return self._asked is not None or self._clock() >= self._due

    def first_look(self, iteration: int) -> None:
        """The net as it stands, before training or since; call it only while nobody trains."""
        if iteration > 0:
            self._last = iteration
            self.last_look()
        elif self.watched.filters is not None:
            self._samples.append(Sample(iteration, filters=self._filters()))

    def last_look(self) -> None:
        """How the net stands where training has ended, unless a sample says so already; call it only then.

        Without norms where the rule's step is not its history: nothing keeps that one.
        """
        has_norms, has_filters = self._last == self._taken, self._last == self._filters_taken
        if has_norms and (has_filters or self.watched.filters is None):
            return
        start = self._clock()
        norms = self._norms("history") if self._steps_are_history and not has_norms else None
        filters = self._filters() if self.watched.filters is not None else None
        read = {} if has_norms else self._read_requests()
        self._samples.append(Sample(self._last, norms, filters, read, self._after))
        self._taken = self._filters_taken = self._last
        self._after = None
        self.cost_seconds += self._clock() - start

    def look_at(self, keys: Iterable[Any]) -> bool:
        """Take what these requests read, of a net that stands still; whether there is a look to show."""
        read = {key: self.requests[key]() for key in keys} if self._last >= 0 else {}
        if read:
            self._samples.append(Sample(self._last, histograms=read))
        return bool(read)

    def release(self) -> None:
        """Leave the update rule as it was, where a step was still waited for."""
        if self._asked is not None:
            self._rule.leaves_update, self._asked = self._left_before, None

    def fetch(self) -> list[Sample]:
        """Samples since the last call, oldest first. For any thread."""
        samples = []
        while self._samples:
            samples.append(self._samples.popleft())
        return samples

    def _ask_for_step(self) -> None:
        """Gradients are read now: after the next iteration the step lies in their place."""
        self._asked = self._read_requests()
        self._left_before, self._rule.leaves_update = self._rule.leaves_update, True

    def _take(self, iteration: int, now: float) -> None:
        norms = self._norms("history" if self._steps_are_history else "diff")
        if not self._steps_are_history:
            self._rule.leaves_update = self._left_before
        asked = self._asked if self._asked is not None else self._read_requests()
        self._asked = None
        self._eager = max(0, self._eager - 1)
        filters = None
        if self.watched.filters is not None and now >= self._filters_due:
            self._filters_due = now + self._often(FILTERS_PERIOD)
            filters, self._filters_taken = self._filters(), iteration
        self._samples.append(Sample(iteration, norms, filters, asked, self._after))
        self._taken, self._after = iteration, None

    def _norms(self, steps: str) -> NDArray[np.float32]:
        """(2, parameters): of the weights, and of the step that lies in the rule's `steps`."""
        both = [self._rule.norms(role)[self._places] for role in ("data", steps)]
        return np.array(both, np.float32)

    def _often(self, period: float) -> float:
        return period / EAGERNESS if self._eager else period

    def _read_requests(self) -> dict[Any, Any]:
        return {key: read() for key, read in tuple(self.requests.items())}

    def _filters(self) -> NDArray[np.float32]:
        assert self.watched.filters is not None
        return np.array(self.watched.parameters[self.watched.filters["index"]].blob.peek(), np.float32)
