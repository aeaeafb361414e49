"""The course of a check: what is still to come, who watches it, and how it is paused and stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from owlkit.inspection.progress import Progress

if TYPE_CHECKING:
    from owlkit.inspection.gradcheck.probe import Slot
    from owlkit.inspection.gradcheck.result import BlobCheck

log = logging.getLogger("owlkit")

CALL_SECONDS = 5e-5  # of a layer's pass, whatever its size
ELEMENTS_PER_SECOND = 1e8  # guesses, used only for the time left; the measured pace corrects them
MACS_PER_SECOND = 1e9
POLL_SECONDS = 0.05  # how soon Ctrl-C ends a pause


@dataclass(frozen=True)
class Expected:
    """A blob that will be checked. number : of elements one by one. seconds : a guess of what each costs."""

    layer: str
    type: str
    slot: Slot
    shape: tuple[int, ...]
    number: int
    seconds: float


def pass_seconds(macs: float, elements: float) -> float:
    """A guess of what a forward pass of a layer takes in float64."""
    return CALL_SECONDS + macs / MACS_PER_SECOND + elements / ELEMENTS_PER_SECOND


class Course:
    """Between the check, which ticks after each element, and who watches and steers it.

    Listeners are called in the thread that checks, so a fast one sees all and a slow one slows the check.
    state : "running", "paused", "stopping" or "done". doing : what is checked now, in words.
    expected : what is to come, as far as it is known beforehand. until_wrong : stop at the first wrong blob.
    """

    def __init__(self, shown: Progress | None = None) -> None:
        self.progress = shown or Progress(False)
        self.expected: list[Expected] = []
        self.passes = 0
        self.state = "running"
        self.until_wrong = False
        self.largest = 0.0
        self.listeners: list[Callable[[], Any]] = []
        self._go = threading.Event()
        self._go.set()
        self._rested = 0.0

    # -- the check's side
    @property
    def doing(self) -> str:
        return self.progress.what

    @doing.setter
    def doing(self, what: str) -> None:
        self.progress.what = what

    @property
    def seconds(self) -> float:
        """Since the start, without pauses."""
        return self.progress.seconds - self._rested

    def tick(self, detail: str = "") -> None:
        """An element is done. Waits while the check is paused; raises KeyboardInterrupt to stop it."""
        self.progress.tick(detail)
        self.tell()
        if not self._go.is_set():
            self._rest()
        if self.state == "stopping":
            raise KeyboardInterrupt

    def _rest(self) -> None:
        start = time.perf_counter()
        self.tell()
        try:
            while not self._go.wait(POLL_SECONDS):
                pass
        finally:
            self._go.set()
            if self.state == "paused":
                self.state = "running"
            self._rested += time.perf_counter() - start
        self.tell()

    def wants_curve(self, check: BlobCheck, alone: bool) -> bool:
        """Whether the worst element's error is worth measuring at other steps: it is wrong, it was asked for,
        or somebody watches and no larger error was seen."""
        if check.worst is None:
            return False
        record = check.worst.error > self.largest
        self.largest = max(self.largest, check.worst.error)
        return alone or bool(check.wrong_elements) or (record and bool(self.listeners))

    def passed(self, checks: list[BlobCheck], passes: int) -> None:
        """A layer is done."""
        self.passes += passes
        self.tell()
        if self.until_wrong and any(check.verdict == "wrong" for check in checks):
            raise KeyboardInterrupt

    def finish(self) -> None:
        self.state = "done"
        self.progress.finish()
        self.tell()

    def tell(self) -> None:
        """Call the listeners; one that fails is left out from then on, and the check goes on."""
        for listener in tuple(self.listeners):
            try:
                listener()
            except Exception:
                log.exception("a listener of the gradient check failed; it is not called again")
                self.listeners.remove(listener)

    # -- the watcher's side; from any thread
    def pause(self) -> None:
        """Rest after the present element."""
        if self.state == "running":
            self.state = "paused"
            self._go.clear()

    def resume(self) -> None:
        """Go on after a pause."""
        if self.state == "paused":
            self.state = "running"
        self._go.set()

    def stop(self) -> None:
        """End after the present element, as Ctrl-C does."""
        if self.state != "done":
            self.state = "stopping"
        self._go.set()

    def left(self, rows: list[BlobCheck]) -> float | None:
        """Seconds to go, from the pace so far; None while nothing is known."""
        done = {(row.layer, row.slot.learned, row.slot.index): row.done for row in rows}
        total = sum(e.number * e.seconds for e in self.expected)
        share = sum(
            min(done.get((e.layer, e.slot.learned, e.slot.index), 0), e.number) * e.seconds
            for e in self.expected
        )
        return self.seconds * (total - share) / share if share and total else None
