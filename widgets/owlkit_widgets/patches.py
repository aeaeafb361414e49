"""What excites the units of a layer: the kernel's half of the widget (widgets/js/src/patches*.js).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``net``    {name, images, layers: [{name, type, units, plane, field}]}, those whose receptive field is known
- ``scan``   {layer, state, done, total, remark, seconds, values, fired, side, problem}; state: "looking",
  "stopped", "ready" or "failed"; remark: which images could not be read; values: each
  unit's largest answer; fired: share of all places with an answer above 0
- ``tiles``  uint8 (units, side, side, 4): what each unit answers to most
- ``unit``   {layer, unit} and `answer_pixels.close_up`: the unit's patches, one image of them
- ``pixels`` uint8: the patches (h, w, 3) of ``unit``, the image (H, W, 3), the map (rows, columns)
- ``view``   browser to kernel: {layer, unit, rank}, which choose the above, and {order, table}

Messages: browser to kernel ``{type: "stop"}``, ``{type: "go"}`` and ``{type: "figure"}``; kernel to browser
``{type: "figure", name}`` with a PNG.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import Any

import traitlets

from owlkit.inspection.patches import MOST_UNITS, TopPatches
from owlkit.inspection.receptive_field import receptive_fields
from owlkit.inspection.twin import Twin

from .answer_pixels import Pictures, answer_map, close_up
from .assets import STYLES, asset
from .comms import LiveWidget
from .latest import GivenUp, Latest
from .patch_search import SIDE, PatchSearch

FIGURE_DPI = 200
STILL_DPI = 100
PERIOD_SECONDS = 0.3  # between words about the progress
BYTES_PER_SECOND = 4e6  # of tiles
MOST_KEPT = 8  # layers
SAME = {"Split", "Dropout", "Silence"}  # layers that say what their bottom says


class PatchesWidget(LiveWidget):
    """A tile per unit, the patches of one, the image of one patch. shown : what `show_top_patches` gave."""

    _esm = asset("patches.js")
    _css = asset(STYLES)

    net: Any = traitlets.Dict().tag(sync=True)
    scan: Any = traitlets.Dict({"state": "looking"}).tag(sync=True)
    tiles: Any = traitlets.Bytes().tag(sync=True)
    unit: Any = traitlets.Dict().tag(sync=True)
    pixels: Any = traitlets.Bytes().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: TopPatches) -> None:
        self._shown = shown
        self._pictures = Pictures(shown.source, shown.prepare)
        self._twin = Twin(shown.net)
        self._known: dict[str, PatchSearch] = {}
        self._layer = ""
        self._asked: tuple[Any, ...] = ()
        self.settled = threading.Event()  # nothing is looked through at the moment
        self.on_settled: list[Callable[[], None]] = []
        self._searching: Latest[str] = Latest(self._search, self._failed, "owlkit-patches")
        self._closing: Latest[tuple[Any, ...]] = Latest(
            self._close_up, self._close_up_failed, "owlkit-patches-close"
        )
        super().__init__(view={"layer": shown.layer, "unit": shown.units[0], "rank": 0})
        name = getattr(shown.net, "name", "") or ""
        self.net = {"name": name, "images": len(shown.source), "layers": self._layers()}
        if shown.answers is not None:
            self._known[shown.layer] = PatchSearch.over(shown, shown.answers, self._pictures)
        self._refresh()
        self.observe(lambda change: self._refresh(), "view")

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<{self._shown!r}>"

    def _layers(self) -> list[dict[str, Any]]:
        graph = self._twin.net.graph
        fields, found = receptive_fields(graph), []
        for node in graph.nodes:
            if node.layer.type in SAME or not node.bottom or not node.top:
                continue
            shape, field = node.top[0].shape, fields.get(node.top_names[0])
            if field is None or field.input != self._twin.input or len(shape) not in (2, 4):
                continue
            plane = list(shape[2:]) or [1, 1]
            sides = [field.height.size, field.width.size]
            about = {"name": node.name, "type": node.layer.type, "units": shape[1], "plane": plane}
            found.append(about | {"field": sides})
        if self._shown.layer not in [layer["name"] for layer in found]:  # asked for by its blob's name
            layer = next(entry for entry in found if entry["name"] == self._twin.layer_of(self._shown.layer))
            found.insert(found.index(layer), layer | {"name": self._shown.layer})
        return found

    # -- what is asked -------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Bring the traits in line with what the view asks for."""
        names = [layer["name"] for layer in self.net["layers"]]
        layer = self.view.get("layer")
        layer = layer if layer in names else self._shown.layer
        with self._lock:
            if layer != self._layer:
                self._layer = layer
                self.settled.clear()
                self._searching.want(layer)
            self._look_closely()

    def _look_closely(self) -> None:
        """Have the selected unit's patches made, where there are others than before."""
        search = self._known.get(self._layer)
        if search is None or not search.answers.seen:
            return
        unit = min(max(int(self.view.get("unit") or 0), 0), search.answers.units - 1)
        rank, images = int(self.view.get("rank") or 0), search.answers.images[unit].tolist()
        asked = (self._layer, unit, rank, images, round(float(search.answers.fired[unit]), 3))
        if asked != self._asked:
            self._asked = asked
            self._closing.want(asked)

    # -- in threads ----------------------------------------------------------------------------------------

    def _search(self, layer: str) -> None:
        search = self._begin(layer)
        due = 0.0

        def on_batch() -> None:
            nonlocal due
            if time.perf_counter() >= due:
                self._tell(search, "looking")
                due = time.perf_counter() + max(PERIOD_SECONDS, search.tiles.nbytes / BYTES_PER_SECOND)
            self._searching.check()

        try:
            self._searching.check()
            search.go(on_batch)
        except GivenUp:
            if self._searching.stopped:
                self._settle(search, "stopped")
            raise
        self._settle(search, "ready")

    def _begin(self, layer: str) -> PatchSearch:
        # Made before the lock is taken: with a training, that waits for the end of an iteration.
        search = self._known.get(layer) or PatchSearch(self._shown, layer)
        with self._lock:
            self._known.pop(layer, None)
            while len(self._known) >= MOST_KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[layer] = search
        self._tell(search, "looking")
        return search

    def _tell(self, search: PatchSearch, state: str) -> None:
        found = search.answers
        about = {"layer": search.layer, "state": state, "done": found.seen, "total": search.total}
        about |= {
            "remark": self._shown.source.remark,
            "seconds": search.seconds,
            "side": SIDE,
            "units": found.units,
        }
        about["values"] = [float(f"{v:.4g}") for v in found.values[:, 0]] if found.seen else []
        about["fired"] = [float(f"{v:.4g}") for v in found.fired]
        with self._lock:
            if search.layer != self._layer:
                return
            with self.hold_sync():
                self.scan, self.tiles = about, search.tiles.tobytes()
            self._look_closely()

    def _settle(self, search: PatchSearch, state: str) -> None:
        if search.layer == self._shown.layer and search.answers.seen:
            self._shown.answers = search.answers
        self._tell(search, state)
        self.settled.set()
        for listener in list(self.on_settled):
            listener()

    def _close_up(self, asked: tuple[Any, ...]) -> None:
        self._closing.check()
        layer, unit, rank = asked[:3]
        search = self._known.get(layer)
        if search is None:
            return  # given up for others since
        found = search.answers
        content, buffer = close_up(self._pictures, found, unit, rank)
        index = content["patches"][content["where"]["rank"]]["image"]
        prepared = self._shown.prepare(self._shown.source[index], found.input_shape)
        buffer += answer_map(self._twin, prepared, layer, unit).tobytes()
        with self._lock, self.hold_sync():
            self.unit, self.pixels = {"layer": layer, "unit": unit} | content, buffer

    def _failed(self, layer: str, error: Exception) -> None:
        problem = str(error) or type(error).__name__
        with self._lock:
            if layer != self._layer:
                return  # another is being looked at
            self.scan = {**self.scan, "layer": layer, "state": "failed", "problem": problem}
        self.settled.set()

    def _close_up_failed(self, asked: tuple[Any, ...], error: Exception) -> None:
        with self._lock:
            if asked == self._asked:
                self._complain(error)

    # -- from the browser ----------------------------------------------------------------------------------

    def picture(self, dpi: float = STILL_DPI) -> bytes | None:
        """PNG of the layer in sight, as `show_top_patches` draws it; None before anything was found."""
        search = self._known.get(self._layer)
        if search is None or not search.answers.seen:
            return None
        shown = self._shown
        same = search.layer == shown.layer
        units = shown.units if same else list(range(min(MOST_UNITS, search.answers.units)))
        drawn = TopPatches(
            shown.net, shown.source, search.layer, units, count=shown.count, prepare=shown.prepare
        )
        drawn.answers = search.answers
        written = io.BytesIO()
        drawn.figure().savefig(written, format="png", dpi=dpi)
        return written.getvalue()

    def _press(self, content: dict[str, Any]) -> bool:
        if content.get("type") == "stop":
            self._searching.stop()
        return False  # once more after all that was asked for before, which may begin something

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "stop":
            self._searching.stop()
        elif kind == "go" and self.scan.get("state") in ("stopped", "failed"):
            self.settled.clear()
            self._searching.want(self._layer)
        elif kind == "figure" and (picture := self.picture(FIGURE_DPI)) is not None:
            self.send({"type": "figure", "name": self._layer}, buffers=[picture])

    def close(self) -> None:
        self._searching.stop()
        self._closing.stop()
        super().close()
