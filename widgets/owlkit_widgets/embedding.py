"""Images as points: the kernel's half of the widget (widgets/js/src/embedding*.js).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``net``        {name, images, side, layers: [{name, type, features}], remark}; side: of a thumbnail; remark:
  which images could not be read
- ``course``     {state, layer, method, what, done, total, seconds, problem}; state is "working", "stopped",
  "ready" or "failed", what is "images" or "steps", total None where nobody tells
- ``facts``      {layer, features, classes: [{name, count}], agreement, neighbours}, the last: how many
- ``points``     float32 (images, 2); ``each``: uint16 (images,), their classes, or nothing
- ``nearest``    uint32 (images, neighbours), by distance of the features
- ``names``      the records' keys or files' names
- ``view``       browser to kernel: {layer, method}, which choose the above, and {marks, size, tool, show,
  off, selected, pinned, zoom}, which are kept for the next load

Messages: browser to kernel ``{type: "stop"}``, ``{type: "go"}``, ``{type: "figure"}``, ``{type: "image",
index}``, ``{type: "thumbnails"}``, which a page asks for when it loads: in a trait they would be most of an
executed notebook. Kernel to browser ``{type: "figure", name}`` with a PNG, ``{type: "image", index, height,
width}`` with uint8 (height, width, 3), ``{type: "thumbnails"}`` with uint8 (images, side, side, 3).
"""

from __future__ import annotations

import io
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from owlkit.inspection.arrangement import METHODS, MOST_EXACT, arrange
from owlkit.inspection.embedding import THUMBNAIL, Embedding, Features, gather
from owlkit.inspection.twin import Twin

from .answer_pixels import Pictures
from .assets import STYLES, asset
from .comms import LiveWidget
from .embedding_facts import agreement, classes_of, neighbours
from .latest import GivenUp, Latest
from .patches import SAME

FIGURE_DPI = 200
STILL_DPI = 100
PERIOD_SECONDS = 0.2  # between words about the progress
MOST_BYTES = 1 << 29  # of a layer's features of all images

Wish = tuple[str, str]  # layer, method


class EmbeddingWidget(LiveWidget):
    """Points to zoom into and to choose among. shown : what `show_embedding` gave."""

    _esm = asset("embedding.js")
    _css = asset(STYLES)

    net: Any = traitlets.Dict().tag(sync=True)
    course: Any = traitlets.Dict({"state": "working"}).tag(sync=True)
    facts: Any = traitlets.Dict().tag(sync=True)
    points: Any = traitlets.Bytes().tag(sync=True)
    each: Any = traitlets.Bytes().tag(sync=True)
    nearest: Any = traitlets.Bytes().tag(sync=True)
    names: Any = traitlets.List().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: Embedding) -> None:
        self._shown = shown
        self._pictures = Pictures(shown.source, shown.prepare)
        self._twin = Twin(shown.net)
        self._features: dict[str, Features] = {shown.layer: shown.found}
        self._arranged: dict[Wish, NDArray[Any]] = {}
        for method in METHODS:
            if (known := shown.arranged(method)) is not None:
                self._arranged[shown.layer, method] = known
        self._wish: Wish | None = None
        self._latest: Latest[Wish] = Latest(self._work, self._failed, "owlkit-embedding")
        self.settled = threading.Event()  # nothing is being done
        self.on_settled: list[Callable[[], None]] = []
        super().__init__(view={"layer": shown.layer, "method": shown.method})
        classes, each = classes_of(shown.labels)
        self._classes, self._each = classes, each
        name = getattr(shown.net, "name", "") or ""
        count = len(shown.features)
        about = {"name": name, "images": count, "side": THUMBNAIL, "remark": shown.source.remark}
        self.net = about | {"layers": self._layers(count)}
        numbers = shown.found.numbers.tolist()
        self.each, self.names = each.tobytes(), [shown.source.name(number) for number in numbers]
        self._refresh()
        self.observe(lambda change: self._refresh(), "view")

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<{self._shown!r}>"

    def _layers(self, images: int) -> list[dict[str, Any]]:
        found = []
        for node in self._twin.net.graph.nodes:
            if node.layer.type in SAME or not node.bottom or not node.top:
                continue
            shape = node.top[0].shape
            features = math.prod(shape[1:])
            if len(shape) in (2, 4) and features > 1 and 4 * features * images <= MOST_BYTES:
                found.append({"name": node.name, "type": node.layer.type, "features": features})
        if self._shown.layer not in [layer["name"] for layer in found]:  # asked for by its blob's name
            about = {"type": "blob", "features": self._shown.features.shape[1]}
            found.append({"name": self._shown.layer} | about)
        return found

    # -- what is asked -------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Bring the traits in line with what the view asks for."""
        layer, method = self.view.get("layer"), self.view.get("method")
        names = [entry["name"] for entry in self.net["layers"]]
        wish = (
            layer if layer in names else self._shown.layer,
            method if method in METHODS else self._shown.method,
        )
        with self._lock:
            if wish != self._wish:
                self._wish = wish
                self.settled.clear()
                self._latest.want(wish)

    # -- in the thread -------------------------------------------------------------------------------------

    def _work(self, wish: Wish) -> None:
        layer, method = wish
        started = time.perf_counter()
        try:
            self._latest.check()
            if layer not in self._features:
                found = gather(
                    self._shown.net,
                    self._shown.source,
                    layer,
                    self._shown.prepare,
                    self._ticker(wish, "images"),
                )
                self._features[layer] = found
            self._tell_features(wish)
            if wish not in self._arranged:
                self._arranged[wish] = self._arrange(wish)
        except GivenUp:
            if self._latest.stopped:
                self._end(wish, "stopped", started)
            raise
        if layer == self._shown.layer:
            self._shown.keep(self._arranged[wish], method)
        self._tell_points(wish, self._arranged[wish])
        self._end(wish, "ready", started)

    def _arrange(self, wish: Wish) -> NDArray[Any]:
        table = self._features[wish[0]].table
        tell = self._ticker(wish, "steps")
        if wish[1] == "tsne" and len(table) > MOST_EXACT:
            self._tell_course(wish, "working", "steps", 0, None)
        return arrange(table, wish[1], self._shown.seed, tell)

    def _ticker(self, wish: Wish, what: str) -> Callable[..., None]:
        """To be called with what is done, of what in all, and the points so far."""
        due = 0.0

        def tell(done: int, total: int | None = None, points: NDArray[Any] | None = None) -> None:
            nonlocal due
            if time.perf_counter() >= due or self._latest.stopped:
                due = time.perf_counter() + PERIOD_SECONDS
                with self._lock:
                    self._tell_course(wish, "working", what, done, total or self.net["images"])
                    if points is not None:
                        self._tell_points(wish, points)
            self._latest.check()

        return tell

    def _failed(self, wish: Wish, error: Exception) -> None:
        problem = str(error) or type(error).__name__
        with self._lock:
            if wish != self._wish:
                return  # another is being granted
            self.course = {**self.course, "state": "failed", "problem": problem}
        self.settled.set()

    def _end(self, wish: Wish, state: str, started: float) -> None:
        with self._lock:
            last = {key: self.course.get(key) for key in ("what", "done", "total")}
            seconds = time.perf_counter() - started
            if wish == self._wish:
                course = {"state": state, "layer": wish[0], "method": wish[1], "seconds": seconds}
                self.course = course | (last if state == "stopped" else {})
        self.settled.set()
        for listener in list(self.on_settled):
            listener()

    # -- to the browser ------------------------------------------------------------------------------------

    def _tell_course(self, wish: Wish, state: str, what: str, done: int, total: int | None) -> None:
        if wish == self._wish:
            course = {"state": state, "layer": wish[0], "method": wish[1]}
            self.course = course | {"what": what, "done": done, "total": total}

    def _tell_points(self, wish: Wish, points: NDArray[Any]) -> None:
        with self._lock:
            if wish == self._wish:
                self.points = np.ascontiguousarray(points, np.float32).tobytes()

    def _tell_features(self, wish: Wish) -> None:
        found = self._features[wish[0]]
        if self.facts.get("layer") == found.layer:
            return
        nearest = neighbours(found.table)
        about = {"layer": found.layer, "features": found.table.shape[1], "classes": self._classes}
        about |= {"agreement": agreement(nearest, self._each), "neighbours": nearest.shape[1]}
        with self._lock, self.hold_sync():
            self.facts, self.nearest = about, nearest.tobytes()

    # -- from the browser ----------------------------------------------------------------------------------

    def picture(self, dpi: float = STILL_DPI) -> bytes | None:
        """PNG of the points in sight, as `show_embedding` draws them; None before there are any."""
        shown, wish = self._shown, self._wish
        if wish is None or wish[0] not in self._features or not self.points:
            return None
        drawn = Embedding(
            shown.net,
            shown.source,
            self._features[wish[0]],
            method=wish[1],
            labels=shown.labels,
            prepare=shown.prepare,
            seed=shown.seed,
        )
        points = np.frombuffer(self.points, np.float32).reshape(-1, 2)
        drawn.keep(self._arranged.get(wish, points), wish[1])
        written = io.BytesIO()
        drawn.figure().savefig(written, format="png", dpi=dpi)
        return written.getvalue()

    def _send_image(self, index: int) -> None:
        if 0 <= index < self.net["images"]:
            number = int(self._shown.found.numbers[index])
            picture = self._pictures.get(number, self._twin.shape)
            about = {"type": "image", "index": index, "height": picture.shape[0], "width": picture.shape[1]}
            self.send(about, buffers=[np.ascontiguousarray(picture).tobytes()])

    def _press(self, content: dict[str, Any]) -> bool:
        if content.get("type") == "stop":
            self._latest.stop()
        return False  # once more after all that was asked for before, which may begin something

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "stop":
            self._latest.stop()
        elif kind == "go" and self._wish is not None and self.course.get("state") in ("stopped", "failed"):
            self.settled.clear()
            self._latest.want(self._wish)
        elif kind == "image":
            self._send_image(int(content.get("index", -1)))
        elif kind == "thumbnails":
            self.send({"type": "thumbnails"}, buffers=[self._shown.thumbnails.tobytes()])
        elif kind == "figure" and (picture := self.picture(FIGURE_DPI)) is not None:
            self.send({"type": "figure", "name": f"{self.view.get('layer')}-embedding"}, buffers=[picture])

    def close(self) -> None:
        self._latest.stop()
        super().close()
