"""What in an image drives a unit or a class: the kernel's half of the widget (widgets/js/src/drivers*.js).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``net``      {name, layers: [{name, type, blob, shape, silent}], methods}
- ``image``    {name, height, width, classes: [{unit, name, share}], layer}: what the net says of it, and the
  layer that says so; ``pixels``: it as the net got it, uint8 (height, width, 3)
- ``chosen``   {layer, type, units, unit, name, value, top: [{unit, name, value}]} and
  `driver_maps.answers_of`, whose levels are ``answers``
- ``found``    {state, method, limit, peak, patch, stride, done, total, seconds, problem}; state is "working",
  "ready", "stopped" or "failed"
- ``map``      uint8 (height, width): `driver_maps.levels_of`, signed for occlusion
- ``signed``   uint8 (height, width, 3): the gradient around grey, nothing for occlusion
- ``said``     {text, bad}: what went wrong with an image
- ``view``     browser to kernel: {layer, unit, at, method, patch}, which are asked about (None: what answers
  most, what is usual), and {look, opacity}, which are kept for the next load

Messages: browser to kernel ``{type: "stop"}``, ``{type: "again"}``, ``{type: "figure"}`` and
``{type: "image", name}`` with the bytes of a file; kernel to browser ``{type: "figure", name}`` with a PNG.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import traitlets
from numpy.typing import NDArray

from owlkit.core.errors import OwlkitError
from owlkit.inspection.heatmaps import Heatmap
from owlkit.inspection.layerwise import Layerwise
from owlkit.inspection.occlusion import OnPlaces
from owlkit.inspection.saliency import Saliency
from owlkit.inspection.units import choose, label_of

from .assets import STYLES, asset
from .comms import LiveWidget
from .driver_maps import answers_of, levels_of, map_of, signed_pixels, strongest
from .driver_wishes import METHODS, Wish
from .latest import GivenUp, Latest
from .seen_image import described_layers, name_of, opened, pixels_of

if TYPE_CHECKING:
    from owlkit.net import Net

FIGURE_DPI = 200
PERIOD_SECONDS = 0.2  # between pictures of a map that is being made
MOST_KEPT = 24  # maps; older ones are made again


class DriversWidget(LiveWidget):
    """The image, the map over it, who answers to it. shown : what `show_heatmap` or `show_saliency` gave."""

    _esm = asset("drivers.js")
    _css = asset(STYLES)

    net: Any = traitlets.Dict().tag(sync=True)
    image: Any = traitlets.Dict().tag(sync=True)
    pixels: Any = traitlets.Bytes().tag(sync=True)
    chosen: Any = traitlets.Dict().tag(sync=True)
    answers: Any = traitlets.Bytes().tag(sync=True)
    found: Any = traitlets.Dict({"state": "working"}).tag(sync=True)
    map: Any = traitlets.Bytes().tag(sync=True)
    signed: Any = traitlets.Bytes().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: Heatmap | Saliency) -> None:
        self._shown = shown
        self._net = cast("Net", shown.net)  # the view shows nothing without one
        self._last: Heatmap | Saliency = shown
        self._known: dict[Wish, tuple[Heatmap | Saliency, float]] = {}
        self._wish: Wish | None = None
        self._latest: Latest[Wish] = Latest(self._work, self._failed, "owlkit-drivers")
        self._seen = Layerwise(self._net, shown.given, shown.prepare)
        unit, scan = shown.unit, getattr(shown, "scan", None)
        at = [unit.row, unit.column] if unit.row is not None else None
        view = {"layer": self._seen.layer_of(unit.layer), "unit": unit.channel, "at": at}
        super().__init__(view=view | {"method": shown.method, "patch": scan.side if scan else None})
        self._tell_image(shown.about, *self._classes(self._seen))
        if not isinstance(shown, Heatmap) or shown.method == "occlusion":
            self._known[Wish.of(self.view)] = shown, 0.0
        self._refresh()
        self.observe(lambda change: self._refresh(), "view")

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<{self._shown!r}>"

    # -- what is asked -------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """What the view asks for: from what is known, or by the thread."""
        with self._lock:
            wish = Wish.of(self.view)
            if wish == self._wish:
                return
            self._wish = wish
            if wish not in self._known:
                self._latest.want(wish)
                return
            self._latest.stop()
            known = self._known[wish]
        # Without the lock, as it may wait for the end of a training's iteration.
        chosen = self._chosen(wish, self._seen)
        with self._lock:
            self._tell_chosen(*chosen)
            self._tell_found(*known)

    # -- in the thread -------------------------------------------------------------------------------------

    def _work(self, wish: Wish) -> None:
        seen, started = self._seen, time.perf_counter()
        try:
            with self._asked_still(wish, seen):
                self._begin(wish)
            chosen = self._chosen(wish, seen)
            with self._asked_still(wish, seen):
                self._tell_chosen(*chosen)
            made = wish.answer(self._net, seen, self._shown.labels, self._teller(wish, seen))
            with self._asked_still(wish, seen):
                while len(self._known) >= MOST_KEPT:
                    self._known.pop(next(iter(self._known)))
                made.about = self.image["name"]
                self._known[wish] = made, time.perf_counter() - started
                self._tell_found(*self._known[wish])
        except GivenUp:
            with self._lock:
                if self._latest.stopped and wish == self._wish and seen is self._seen:
                    self.found = {**self.found, "state": "stopped"}
            raise

    @contextmanager
    def _asked_still(self, wish: Wish, seen: Layerwise) -> Iterator[None]:
        """The traits are ours, as long as nothing else has been asked for; else GivenUp."""
        with self._lock:
            self._latest.check()
            if wish != self._wish or seen is not self._seen:
                raise GivenUp
            yield

    def _begin(self, wish: Wish) -> None:
        """A map that comes bit by bit starts empty; one that comes at once takes the place of the last."""
        if wish.method == "occlusion":
            with self.hold_sync():
                self.found = {"state": "working", "method": wish.method, "done": 0, "total": None}
                self.map = self.signed = b""
        else:
            self.found = {**self.found, "state": "working"}

    def _teller(self, wish: Wish, seen: Layerwise) -> OnPlaces:
        """Sends the map so far, and gives up where nobody wants it any more."""
        due, limit = 0.0, 0.0

        def tell(done: int, total: int, falls: NDArray[Any]) -> None:
            nonlocal due, limit
            if time.perf_counter() >= due or self._latest.stopped:
                with self._lock:
                    if wish == self._wish and seen is self._seen:
                        limit = self._tell_so_far(falls, limit, done, total)
                due = time.perf_counter() + PERIOD_SECONDS
            self._latest.check()

        return tell

    def _failed(self, wish: Wish, error: Exception) -> None:
        with self.hold_sync():
            if wish != self._wish:
                return
            problem = str(error) or type(error).__name__
            self.found, self.map, self.signed = {"state": "failed", "problem": problem}, b"", b""

    # -- to the browser ------------------------------------------------------------------------------------

    def _classes(self, seen: Layerwise) -> tuple[str | None, list[dict[str, Any]], str]:
        """What the net says of the image: the layer that says so, its classes, and what went wrong, or ""."""
        try:
            says = seen.classes(self._shown.labels)
        except OwlkitError as error:  # labels of other classes, say: the rest can be looked at without them
            return None, [], str(error)
        if says is None:
            return None, [], ""
        layer, found = says
        rows = zip(found.classes, found.names, found.shares, strict=True)
        return layer, [{"unit": unit, "name": called, "share": share} for unit, called, share in rows], ""

    def _tell_image(self, name: str, layer: str | None, classes: list[dict[str, Any]], wrong: str) -> None:
        pixels = pixels_of(self._seen)
        about = {"name": name, "height": pixels.shape[0], "width": pixels.shape[1]}
        with self.hold_sync():
            self.said = {"text": wrong, "bad": True} if wrong else {}
            layers = described_layers(self._seen)
            self.net = {
                "name": name_of(self._net),
                "layers": layers,
                "methods": list(METHODS),
            }
            self.image = about | {"classes": classes, "layer": layer}
            self.pixels = pixels.tobytes()

    def _chosen(self, wish: Wish, seen: Layerwise) -> tuple[dict[str, Any], bytes]:
        """The traits `chosen` and `answers`."""
        values = seen.values(wish.layer)
        unit = choose(wish.layer, values, wish.unit, wish.at)
        top, labels = seen.layers[wish.layer], self._shown.labels
        about, levels = answers_of(unit, values, seen.field(wish.layer), seen.prepared.shape[1:])
        value = float(unit.of(values[None])[0])
        what = {"layer": wish.layer, "type": top.type, "units": len(values), "unit": unit.channel}
        what |= {"name": label_of(unit, len(values), labels), "value": value}
        return what | {"top": strongest(wish.layer, values, labels)} | about, levels

    def _tell_chosen(self, chosen: dict[str, Any], answers: bytes) -> None:
        with self.hold_sync():
            self.chosen, self.answers = chosen, answers

    def _tell_found(self, made: Heatmap | Saliency, seconds: float) -> None:
        self._last = made
        values, scan = map_of(made), getattr(made, "scan", None)
        levels, limit = levels_of(values, signed=made.method == "occlusion")
        peak = [int(i) for i in np.unravel_index(int(values.argmax()), values.shape)]
        about = {"state": "ready", "method": made.method, "limit": limit, "peak": peak, "seconds": seconds}
        about["deepest"] = float(min(values.min(), 0))
        about["highest"] = float(values.max())
        if scan is not None:
            places = len(scan.places(*values.shape))
            about |= {"patch": scan.side, "stride": scan.step, "done": places, "total": places}
        with self.hold_sync():
            self.found, self.map, self.signed = about, levels, signed_pixels(made)

    def _tell_so_far(self, falls: NDArray[Any], least: float, done: int, total: int) -> float:
        levels, limit = levels_of(falls, signed=True, least=least)
        about = {"state": "working", "method": "occlusion", "limit": limit, "done": done, "total": total}
        with self.hold_sync():
            self.found, self.map, self.signed = about, levels, b""
        return limit

    # -- from the browser ----------------------------------------------------------------------------------

    def figure(self) -> bytes:
        """PNG of the last map that was finished, as `show_heatmap` or `show_saliency` draws it."""
        written = io.BytesIO()
        self._last.figure().savefig(written, format="png", dpi=FIGURE_DPI)
        return written.getvalue()

    def _look_at(self, image: bytes, name: str) -> None:
        """Another image, the same question; what goes wrong is told, and the old image stays."""
        try:
            seen = Layerwise(self._net, opened(image), self._shown.prepare)
        except (OwlkitError, OSError) as error:
            self.said = {"text": f"{name}: {error}", "bad": True}
            return
        says = self._classes(seen)
        with self._lock:
            self._latest.stop()
            self._seen, self._wish = seen, None
            self._known.clear()
            self._tell_image(name, *says)
        self.view = {**self.view, "unit": None, "at": None}
        self._refresh()

    def _press(self, content: dict[str, Any]) -> bool:
        if content.get("type") == "stop":
            self._latest.stop()
        return False  # once more after all that was asked for before, which may begin something

    def _receive(self, _widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "stop":
            self._latest.stop()
        elif kind == "again" and self._wish is not None:
            self._latest.want(self._wish)
        elif kind == "figure":
            self.send({"type": "figure", "name": self._last.unit.layer}, buffers=[self.figure()])
        elif kind == "image" and buffers:
            self._look_at(bytes(buffers[0]), str(content.get("name") or "image"))

    def close(self) -> None:
        self._latest.stop()
        super().close()
