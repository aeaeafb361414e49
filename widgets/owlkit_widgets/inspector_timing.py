"""Timing a net's layers in a thread of its own, as the person asks for it in the inspector."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from owlkit.inspection.graphs.facts import LayerFacts
from owlkit.inspection.inspector import Inspector
from owlkit.inspection.timing import Timing

PERIOD_SECONDS = 0.2  # between words about the progress

Say = Callable[[dict[str, Any]], None]


class _Stopped(Exception):
    """The person has seen enough."""


class Stopwatch:
    """Times an inspector's net, and tells how far it is by `say(content)`, called from its thread.

    Contents are {state: "running", done, of} (of: 0 while that is not known), {state: "ready"},
    {state: "stopped"} and {state: "failed", problem}.
    """

    def __init__(self, inspector: Inspector, say: Say) -> None:
        self._inspector, self._say = inspector, say
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, where it has not begun."""
        if not self.running:
            self._stop.clear()
            self._thread = threading.Thread(target=self._work, name="owlkit-timing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the present pass; nothing is found then."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        try:
            self._say({"state": "running", "done": 0, "of": 0})
            self._inspector.time(told=self._progress())
        except _Stopped:
            self._say({"state": "stopped"})
        except Exception as error:  # nobody reads a traceback from this thread
            self._say({"state": "failed", "problem": str(error) or type(error).__name__})
        else:
            self._say({"state": "ready"})

    def _progress(self) -> Callable[[int, int], None]:
        due = 0.0

        def tell(done: int, of: int) -> None:
            nonlocal due
            if self._stop.is_set():
                raise _Stopped
            if time.perf_counter() >= due:
                due = time.perf_counter() + PERIOD_SECONDS
                self._say({"state": "running", "done": done, "of": of})

        return tell


def timing_of(timing: Timing | None) -> dict[str, Any]:
    """The `timing` trait when no timing is under way: seconds of whole passes, or that there are none yet."""
    if timing is None:
        return {"state": "none"}
    return {
        "state": "ready",
        "batch": timing.batch_size,
        "passes": timing.passes,
        "forward": timing.forward,
        "backward": timing.backward if timing.learns else None,
        "seconds": timing.seconds,
    }


def times_of(timing: Timing | None, members: Sequence[LayerFacts]) -> dict[str, Any]:
    """Seconds of a card or stage; None where they are not known. share : of a whole pass.

    within : name of the layer that runs it in one kernel and has its time, None for one timed itself.
    """
    known = timing.by_key if timing is not None else {}
    timed = [known[layer.key] for layer in members if layer.key in known]
    own = [layer for layer in timed if layer.within is None]
    if timing is None or not own:
        return dict.fromkeys(("forward", "backward", "seconds", "share")) | {
            "within": timed[0].within if timed else None
        }
    forward, backward = (sum(getattr(layer, way) for layer in own) for way in ("forward", "backward"))
    return {
        "forward": forward,
        "backward": backward or None,
        "seconds": forward + backward,
        "share": (forward + backward) / timing.seconds if timing.seconds else None,
        "within": None,
    }
