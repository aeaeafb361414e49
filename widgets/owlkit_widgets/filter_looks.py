"""One filter and the images that excite it, found in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.answers import Answers, find_answers
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.twin import Twin

CONTEXT = 2.8  # how much more than its receptive field a small patch shows
SMALL = 0.3  # a field beneath this share of the image is small
LOUD = 99.5  # per cent of a map's places that lie within its scale
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
    _known: dict[str, tuple[Answers, float]] = field(default_factory=dict)
    _wish: Wish | None = None
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def want(self, wish: Wish) -> None:
        """Look at this next; a wish that nobody has begun with is forgotten."""
        with self._lock:
            self._wish = wish
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="owlkit-filters", daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """The weights have changed: what was found no longer holds."""
        self._known.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None:
                    self._thread = None
                    return
            try:
                self._look(wish)
            except Exception as error:  # nobody reads a traceback from this thread
                self.say({"state": "failed", "problem": str(error) or type(error).__name__}, [])

    def _look(self, wish: Wish) -> None:
        top = self._top(wish.layer)
        if wish.layer not in self._known:
            started = time.perf_counter()
            answers = find_answers(
                self.net, self.images, top, prepare=self.prepare, on_images=self._progress(wish)
            )
            self._known[wish.layer] = answers, time.perf_counter() - started
        answers, seconds = self._known[wish.layer]
        content, buffer = self._describe(answers, wish, top)
        about = {"layer": wish.layer, "unit": wish.unit, "seen": answers.seen, "seconds": seconds}
        self.say({"state": "ready"} | about | content, [buffer])

    def _top(self, layer: str) -> str:
        """The layer's top, as it is after layers that work in place on it (ReLU)."""
        return str(self.net.top_names[layer][0])

    def _progress(self, wish: Wish) -> Callable[[int], None]:
        due = 0.0

        def tell(done: int) -> None:
            nonlocal due
            if time.perf_counter() >= due:
                due = time.perf_counter() + PERIOD_SECONDS
                state = {"state": "looking", "done": done, "total": len(self.images)}
                self.say(state | {"layer": wish.layer}, [])

        tell(0)
        return tell

    def _describe(self, found: Answers, wish: Wish, top: str) -> tuple[dict[str, Any], bytes]:
        ranks = range(found.images.shape[1])
        rank = min(wish.rank, len(ranks) - 1)
        pictures, prepared = {}, None
        for index, image in self.images.pick(found.images[wish.unit].tolist()):
            ready = self.prepare(image, found.input_shape)
            pictures[index] = rgb(self.prepare.restore(ready))
            if index == found.images[wish.unit, rank]:
                prepared = ready
        parts: list[NDArray[np.uint8]] = []
        patches = []
        for k in ranks:
            index, box = int(found.images[wish.unit, k]), found.box(wish.unit, k)
            region = around(box, pictures[index].shape)
            parts.append(pictures[index][region[0] : region[2], region[1] : region[3]])
            inner = [box[i] - region[i % 2] for i in range(4)]
            patches.append(
                {
                    "value": float(found.values[wish.unit, k]),
                    "image": index,
                    "size": list(parts[-1].shape[:2]),
                }
                | {"box": inner}
            )
        answers = self._map(prepared, wish, top)
        parts += [pictures[int(found.images[wish.unit, rank])], answers]
        where = {
            "rank": rank,
            "box": list(found.box(wish.unit, rank)),
            "place": list(found.place(wish.unit, rank)),
            "plane": list(found.plane),
            "size": list(found.input_shape[2:]),
        }
        extent = found.field
        size = f"{extent.height.size:g} × {extent.width.size:g}"
        content: dict[str, Any] = {"patches": patches, "where": where, "field": size, "top": top}
        content["fired"] = float(found.fired[wish.unit])
        return content, b"".join(np.ascontiguousarray(part).tobytes() for part in parts)

    def _map(self, prepared: Any, wish: Wish, top: str) -> NDArray[np.uint8]:
        """(rows, columns) uint8: the unit's answers to an image, 0 and below as 0."""
        twin = Twin(self.net)
        values = np.maximum(twin.run(prepared[None], twin.layer_of(top))[0, wish.unit], 0)
        values = values.reshape(values.shape or (1, 1))
        loud = np.percentile(values, LOUD) or values.max() or 1
        return np.rint(np.clip(values / loud, 0, 1) * 255).astype(np.uint8)


def rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) of an image (H, W, 3) or (H, W)."""
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, 2)


def around(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of what is shown of an image: a small box with what surrounds it."""
    sides = box[2] - box[0], box[3] - box[1]
    if max(sides[0] / shape[0], sides[1] / shape[1]) > SMALL:
        return box
    side = min(round(max(sides) * CONTEXT), *shape[:2])
    starts = []
    for axis in (0, 1):
        middle = (box[axis] + box[axis + 2]) / 2
        starts.append(int(min(max(round(middle - side / 2), 0), shape[axis] - side)))
    return starts[0], starts[1], starts[0] + side, starts[1] + side
