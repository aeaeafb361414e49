"""Following a training as plain text: a bar that moves on a terminal, lines in a log."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from owlkit.core import events

if TYPE_CHECKING:
    from owlkit.training.run import Run

BAR_WIDTH = 20  # characters
BAR_SECONDS = 0.2  # between two redraws on a terminal
LINE_SECONDS = 10.0  # between two lines in a log, where the solver has no display interval
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """Two units: "2 h 54 min", "7 min 43 s", "11 s"; "0.4 s" below ten seconds."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = round(seconds)
    for index, (size, unit) in enumerate(UNITS):
        if left >= size:
            text = f"{left // size} {unit}"
            if index + 1 < len(UNITS):
                smaller, name = UNITS[index + 1]
                text += f" {left % size // smaller} {name}"
            return text
    return "0 s"


def results(outputs: Any) -> str:
    """ "accuracy 0.9871, loss 0.04312" """
    return ", ".join(f"{name} {value:.4g}" for name, value in outputs.items())


def bar(done: int, total: int) -> str:
    """[========            ]"""
    filled = min(BAR_WIDTH, BAR_WIDTH * done // max(total, 1))
    return "[" + "=" * filled + " " * (BAR_WIDTH - filled) + "]"


def summary(run: Run) -> list[str]:
    """What to say at the end: state and time, speed and waiting, last and best test results."""
    history = run.history
    lines = [f"{run.state} at iteration {run.iter} after {duration(run.seconds)}"]
    if len(history):
        lines.append(
            f"{history.images_per_second():.0f} images/s, {100 * history.data_share:.0f} % of the time "
            "waiting "
            f"for data, last loss {history.smoothed_loss[-1]:.4g}"
        )
    for index in sorted({test.net_index for test in history.tests}):
        tests = [test for test in history.tests if test.net_index == index]
        lines.append(f"test net {index} at iteration {tests[-1].iter}: {results(tests[-1].outputs)}")
        lines += [
            _best(tests, name) for name in tests[-1].outputs if name.startswith("accuracy") and len(tests) > 1
        ]
    return lines


def snapshots_at(run: Run) -> list[str]:
    """Where the newest snapshot lies: names are relative to a folder that nobody sees in a notebook."""
    written = [Path(event.state).absolute() for event in run.history.snapshots]
    return [f"newest snapshot {written[-1].name} in {written[-1].parent}"] if written else []


def _best(tests: list[events.TestDone], name: str) -> str:
    best = max(tests, key=lambda test: test.outputs.get(name, -math.inf))
    return f"best {name} {best.outputs[name]:.4g} at iteration {best.iter}"


class TextMonitor:
    """Writes what happens in a run to a stream, from the run's listener thread.

    reasons : whether to say why a training failed or diverged; False where an error that says so follows.
    on_failure : called where the stream cannot be written, a full disk say; nothing more is written then.
    """

    def __init__(
        self,
        run: Run,
        stream: TextIO | None = None,
        *,
        reasons: bool = True,
        on_failure: Callable[[OSError], None] | None = None,
    ) -> None:
        self.run, self.reasons, self.on_failure = run, reasons, on_failure
        self.stream = stream if stream is not None else sys.stdout
        self.live = self.stream.isatty()
        self._drawn = 0  # characters of the bar on the screen
        self._last = -math.inf  # when the bar was drawn or a progress line written
        self._unsubscribe: Callable[[], None] | None = None

    def follow(self) -> TextMonitor:
        """Start writing."""
        self._unsubscribe = self.run.subscribe(self.show)
        return self

    def stop(self) -> None:
        """Write nothing more."""
        if self._unsubscribe is not None:
            self._unsubscribe()

    def show(self, event: Any) -> None:
        """Write one event."""
        try:
            self._show(event)
        except OSError as error:
            if self.on_failure is None:
                raise
            self.stop()
            self.on_failure(error)

    def _show(self, event: Any) -> None:
        if isinstance(event, events.IterationDone):
            self._progress(event)
        elif isinstance(event, events.Displayed):
            if not self.live:
                self._line(self._displayed(event))
        else:
            for line in self._lines(event):
                self._line(line)

    def _lines(self, event: Any) -> list[str]:
        match event:
            case events.TestDone():
                return [f"Iteration {event.iter}, test net {event.net_index}: {results(event.outputs)}"]
            case events.SnapshotWritten():
                return [f"Iteration {event.iter}, snapshot {event.state}"]
            case events.Warned():
                return [f"Warning: {event.message}"]
            case events.Intervention(kind="lr"):
                return [f"Iteration {event.iter}, learning rate {event.text}"]
            case events.Intervention(kind="back"):
                return [f"Iteration {event.iter}, {event.text}"]
            case events.StateChanged():
                return self._state(event)
        return []

    def _state(self, event: events.StateChanged) -> list[str]:
        if event.state in ("running", "paused"):
            return [f"Iteration {event.iter}, {event.state}"] if event.iter or event.state == "paused" else []
        head, *rest = summary(self.run) + snapshots_at(self.run)
        told = self.reasons and event.state in ("failed", "diverged")
        first, *more = event.reason.splitlines() if told else [""]
        reason = f" ({first})" if first else ""
        if event.state == "diverged" and (way := self.run.way_back) is not None:
            rest.append(f"run.back() goes on from iteration {way.iter} at a tenth of the learning rate")
        return [head[0].upper() + head[1:] + reason, *("  " + line for line in [*more, *rest])]

    def _displayed(self, event: events.Displayed) -> str:
        speed = self.run.history.images_per_second(100)
        pace = f", {speed:.0f} images/s" if speed else ""
        outputs = {
            k: v for k, v in event.outputs.items() if not (event.weights.get(k) and len(event.outputs) == 1)
        }
        more = f", {results(outputs)}" if outputs else ""
        return f"Iteration {event.iter}, loss = {event.smoothed_loss:.6g}, lr = {event.lr:g}{pace}{more}"

    def _progress(self, event: events.IterationDone) -> None:
        now = time.monotonic()
        if self.live:
            if now - self._last >= BAR_SECONDS:
                self._last = now
                self._draw(self._bar(event))
        elif not self.run.solver.param.display and now - self._last >= LINE_SECONDS:
            self._last = now
            self._line(f"Iteration {event.iter}, loss = {event.smoothed_loss:.6g}, lr = {event.lr:g}")

    def _bar(self, event: events.IterationDone) -> str:
        total, left = self.run.max_iter, self.run.seconds_left
        parts = [f"{bar(event.iter, total)} {event.iter}/{total}" if total else f"iteration {event.iter}"]
        parts += [f"loss {event.smoothed_loss:.4g}", f"lr {event.lr:g}"]
        parts.append(f"{self.run.history.images_per_second(100):.0f} images/s")
        if left is not None:
            parts.append(f"{duration(left)} left")
        return "  ".join(parts)

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self.stream.write("\r" + text + " " * max(0, self._drawn - len(text)))
        self.stream.flush()
        self._drawn = len(text)

    def _line(self, text: str) -> None:
        if self._drawn:
            self.stream.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0
        self.stream.write(text + "\n")
        self.stream.flush()
