"""One filter and the images that excite it, found in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from owlkit.inspection.answers import Answers, find_answers
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.twin import Twin

from .answer_pixels import Pictures, answer_map, close_up
from .latest import GivenUp

PERIOD_SECONDS = 0.2  # between words about the progress

Say = Callable[[dict[str, Any], list[bytes]], None]


@dataclass(frozen=True)
class Wish:
    """What is to be looked at: a unit of a layer, and with which of its patches."""

    layer: str
    unit: int
    rank: int = 0


@dataclass
class Looks:
    """Answers wishes, the latest first, by `say(content, buffers)`, called from its thread.

    Contents are {state: "looking", done, total}, {state: "ready", ...} with one buffer, or {state: "failed",
    problem}.
    """

    net: Any
    images: ImageSource
    prepare: ImageInput
    say: Say
    _known: dict[str, tuple[Answers, float]] = field(default_factory=dict)  # of the weights as they are now
    _wish: Wish | None = None
    _stopped: bool = False
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def want(self, wish: Wish) -> None:
        """Look at this next; a wish that nobody has begun with is forgotten."""
        with self._lock:
            if self._stopped:
                return
            self._wish = wish
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="owlkit-filters", daemon=True)
                thread.start()  # where the system gives no more threads, the next wish tries again
                self._thread = thread

    def stop(self) -> None:
        """Nobody looks any more: a search ends after its present batch, and nothing else is begun."""
        with self._lock:
            self._stopped, self._wish = True, None

    def forget(self) -> None:
        """The weights have changed: what was found no longer holds."""
        self._known = {}  # what is being found goes into the one before

    def _work(self) -> None:
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None:
                    self._thread = None
                    return
            try:
                self._look(wish)
            except GivenUp:
                continue
            except Exception as error:  # nobody reads a traceback from this thread
                self.say({"state": "failed", "problem": str(error) or type(error).__name__}, [])

    def _look(self, wish: Wish) -> None:
        top = self._top(wish.layer)
        known = self._known
        if wish.layer not in known:
            started = time.perf_counter()
            answers = find_answers(
                self.net, self.images, top, prepare=self.prepare, on_images=self._progress(wish)
            )
            known[wish.layer] = answers, time.perf_counter() - started
        answers, seconds = known[wish.layer]
        content, buffer = close_up(Pictures(self.images, self.prepare), answers, wish.unit, wish.rank)
        content["top"] = top
        buffer += self._map(answers, wish, content["where"]["rank"])
        about = {"layer": wish.layer, "unit": wish.unit, "seen": answers.seen, "seconds": seconds}
        about["remark"] = self.images.remark
        self.say({"state": "ready"} | about | content, [buffer])

    def _top(self, layer: str) -> str:
        """The layer's top, as it is after layers that work in place on it (ReLU)."""
        return str(self.net.top_names[layer][0])

    def _progress(self, wish: Wish) -> Callable[[int], None]:
        due = 0.0

        def tell(done: int) -> None:
            nonlocal due
            if self._stopped:
                raise GivenUp
            if time.perf_counter() >= due:
                due = time.perf_counter() + PERIOD_SECONDS
                state = {"state": "looking", "done": done, "total": len(self.images)}
                self.say(state | {"layer": wish.layer}, [])

        tell(0)
        return tell

    def _map(self, answers: Answers, wish: Wish, rank: int) -> bytes:
        """uint8 (rows, columns): the unit's answers to the image of this rank."""
        index = int(answers.images[wish.unit, rank])
        prepared = self.prepare(self.images[index], answers.input_shape)
        return answer_map(Twin(self.net), prepared, answers.layer, wish.unit).tobytes()
