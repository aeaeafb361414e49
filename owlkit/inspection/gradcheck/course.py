"""The course of a check: what is still to come, who watches it, and how it is paused and stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from owlkit.core.progress import Progress

if TYPE_CHECKING:
    from owlkit.inspection.gradcheck.probe import Slot
    from owlkit.inspection.gradcheck.result import BlobCheck

log = logging.getLogger("owlkit")

CALL_SECONDS = 5e-5  # of a layer's pass, whatever its size
ELEMENTS_PER_SECOND = 1e8  # guesses of how blobs compare; how long they take is measured
MACS_PER_SECOND = 1e9
TELLING = 0.2  # of what is still to come in the mean: passes below that say nothing about its pace
LONG_SECONDS = 20.0  # left: from here on it is said how less can be checked,
QUICK = 10.0, 600.0  # in a quarter of the time, but no less than the first and no more than the second
FEWER = (16, 8, 4, 2, 1)  # elements of a blob
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


def _key(each: Expected | BlobCheck) -> tuple[str, bool, int]:
    """What tells the blobs of a net apart."""
    return (each.layer, each.slot.learned, each.slot.index)


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
        self._since = time.perf_counter()  # when the work began that the next tick ends
        self._spent = self._guessed = self._largest_guess = 0.0  # on elements; the last: of one of them
        self._guesses: dict[tuple[str, bool, int], float] = {}  # `expected`, by what it is of

    # -- the check's side
    @property
    def doing(self) -> str:
        return self.progress.what

    @doing.setter
    def doing(self, what: str) -> None:
        self.progress.what = what
        self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the start, without pauses."""
        return self.progress.seconds - self._rested

    def tick(self, check: BlobCheck | None = None, detail: Callable[[], str] = str) -> None:
        """An element (of `check`) is done. Waits while paused; raises KeyboardInterrupt to stop the check."""
        self._measure(check)
        if self.progress.due:
            self.progress.tick(detail())
        self.tell()
        if not self._go.is_set():
            self._rest()
        if self.state == "stopping":
            raise KeyboardInterrupt

    def _measure(self, check: BlobCheck | None) -> None:
        now = time.perf_counter()
        if len(self._guesses) != len(self.expected):
            self._guesses = {_key(each): each.seconds for each in self.expected}
        guess = self._guesses.get(_key(check)) if check is not None else None
        if guess is not None:
            self._spent += now - self._since
            self._guessed += guess
            self._largest_guess = max(self._largest_guess, guess)
        self._since = now

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
            self._since = time.perf_counter()
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
        """Seconds to go, from the pace that was measured; None until one is known.

        A pace says something once a pass was seen that is not tiny beside those to come: a net begins with
        layers that take no time.
        """
        done = {_key(row): row.done for row in rows}
        to_do = [(max(0, e.number - done.get(_key(e), 0)), e.seconds) for e in self.expected]
        number = sum(n for n, _ in to_do)
        guess = sum(n * seconds for n, seconds in to_do)
        known = number == 0 or self._largest_guess >= TELLING * guess / number
        return guess * self._spent / self._guessed if self._guessed and known else None

    def shorter(self, left: float | None) -> str:
        """What to ask for where `left` seconds are long: elements=4, or fewer layers; else ""."""
        if left is None or left < LONG_SECONDS or not self.expected:
            return ""
        least, most = QUICK
        for number in FEWER:
            guess = sum(min(number, e.number) * e.seconds for e in self.expected)
            if guess * self._spent / self._guessed < min(most, max(least, left / 4)):
                return f"elements={number}"
        return "elements=1" if max(e.number for e in self.expected) > 1 else "layers=[...]"
