"""Filters of a layer: the kernel's half of the widget (the browser's is widgets/js/src/show_filters.js).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``net``      {name, layers: [name], run: name | None, images: count | None}
- ``layer``    {name, outputs, inputs, planes, height, width, geometry, input, iter} and `filter_facts.facts`
- ``weights``  float32 (outputs, planes, height, width); three planes are red, green, blue
- ``film``     iterations at which the filters can be seen, without `over` none
- ``unit``     what the images say of the selected filter: {state, ...}; "off", or a state of `filter_looks`
- ``pixels``   uint8: the patches (h, w, 3) of `unit`, the image (H, W, 3), the map (rows, columns)
- ``view``     browser to kernel: {layer, input, frame, selected, rank}, which choose the above, and
  {order, scale, show, channel, size, table}, which are kept for the next load

Messages: browser to kernel ``{type: "figure"}``; kernel to browser ``{type: "figure"}`` + one buffer, PNG of
the figure for a paper.
"""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from owlkit.inspection.filters import Filters, filter_weights
from owlkit.inspection.image_input import input_of

from .assets import STYLES, asset
from .comms import LiveWidget
from .filter_facts import drawable, facts, geometry
from .filter_looks import Looks, Wish

FILM_PERIOD = 2.0
"""Seconds between looks at what a run has kept."""
FIGURE_DPI = 200


class FiltersWidget(LiveWidget):
    """Grid of filters, one in detail, and with images what excites it.

    shown : what `owlkit.show_filters` gave.
    """

    _esm = asset("show_filters.js")
    _css = asset(STYLES)

    net: Any = traitlets.Dict().tag(sync=True)
    layer: Any = traitlets.Dict().tag(sync=True)
    weights: Any = traitlets.Bytes().tag(sync=True)
    film: Any = traitlets.List().tag(sync=True)
    unit: Any = traitlets.Dict({"state": "off"}).tag(sync=True)
    pixels: Any = traitlets.Bytes().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: Filters) -> None:
        self._shown = shown
        self._stop_listening = lambda: None
        self._film_due = 0.0
        self._now: tuple[Any, ...] = ()
        self._wish: Wish | None = None
        names = drawable(shown.net) if shown.net is not None else [shown.layer]
        images = len(shown.images) if shown.images is not None else None
        run = getattr(shown.over, "name", None)
        net_name = getattr(shown.net, "name", "") or ""
        # A page may ask as soon as the comm is open: what it starts from is there from the beginning.
        super().__init__(
            net={"name": net_name, "layers": names, "run": run, "images": images},
            view={"layer": shown.layer, "scale": shown.scale, "selected": 0, "rank": 0},
        )
        self._looks = None
        if shown.images is not None:
            prepare = shown.prepare or input_of(shown.net)
            self._looks = Looks(shown.net, shown.images, prepare, self._said)
        self._follow(shown.over)
        self._refresh()
        self.observe(lambda change: self._refresh(), "view")
        if shown.over is not None:
            self._stop_listening = shown.over.subscribe(self._on_event)

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<{self._shown!r}>"

    # -- weights -------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Bring the traits in line with what the view asks for."""
        name, frame = str(self.view.get("layer") or self._shown.layer), self.view.get("frame")
        now = (name, int(self.view.get("input") or 0), frame)
        if now != self._now:
            self._now = now
            self._show(*now)
        self._ask()

    def _show(self, name: str, channel: int, frame: int | None) -> None:
        weights, iteration = self._weights(name, frame)
        outputs, inputs, height, width = weights.shape
        channel = min(channel, inputs - 1)
        planes = weights if inputs in (1, 3) else weights[:, channel : channel + 1]
        if inputs == 3 and self._shown.channels == "BGR":
            planes = planes[:, ::-1]
        about: dict[str, Any] = {
            "name": name,
            "outputs": outputs,
            "inputs": inputs,
            "planes": planes.shape[1],
        }
        about |= {"height": height, "width": width, "input": channel, "iter": iteration}
        about["geometry"] = geometry(self._shown.net, name) if self._shown.net is not None else ""
        with self.hold_sync():
            self.layer = about | facts(weights)
            self.weights = np.ascontiguousarray(planes, np.float32).tobytes()

    def _weights(self, name: str, frame: int | None) -> tuple[NDArray[Any], int | None]:
        """A layer's weights, now or as a run's monitor kept them, and of which iteration they are."""
        if frame is not None and name == self._film_layer:
            kept = [f for f in self._frames() if f.iter == frame]
            if kept:
                return self._restore(kept[0]), frame
        run = self._shown.over
        iteration = int(run.iter) if run is not None else None
        if self._shown.net is None:
            return self._shown.weights, iteration
        return filter_weights(self._shown.net, name), iteration

    # -- over a run ----------------------------------------------------------------------------------------

    def _follow(self, run: Any) -> None:
        self._panels, self._film_layer = None, ""
        if run is None:
            return
        from .run_view import RunView

        self._panels = RunView.monitor(run).panels
        about = self._panels.describe()["filters"]
        self._film_layer = about["layer"] if about else ""
        self._film_shape = tuple(about[k] for k in ("outputs", "inputs", "height", "width")) if about else ()
        self._look_at_film()

    def _frames(self) -> list[Any]:
        if self._panels is None:
            return []
        with self._panels.lock:
            return list(self._panels.film.frames)

    def _restore(self, frame: Any) -> NDArray[np.float32]:
        """Weights (outputs, inputs, H, W) of a frame, to one part in 255 of each tile's largest."""
        levels = frame.levels.astype(np.float32) / 127.5 - 1
        peaks = frame.peaks.reshape(-1, *([1] * (levels.ndim - 1)))
        weights = levels * peaks
        if weights.ndim == 4:  # tiles (n, H, W, 3) are red, green, blue
            weights = weights.transpose(0, 3, 1, 2)
            return weights[:, ::-1] if self._shown.channels == "BGR" else weights
        whole = np.zeros(self._film_shape, np.float32)
        whole.reshape(-1, *weights.shape[1:])[: len(weights)] = weights
        return whole

    def _on_event(self, event: Any) -> None:
        if type(event).__name__ == "StateChanged" or time.perf_counter() >= self._film_due:
            self._film_due = time.perf_counter() + FILM_PERIOD
            # Not here: all who listen to the run would wait, and the weights are shown by one thread alone.
            self._desk.put(self._look_at_film, "film")

    def _look_at_film(self) -> None:
        iters = [frame.iter for frame in self._frames()]
        if iters == list(self.film):
            return
        self.film = iters
        if self._now and self.view.get("frame") is None:  # the newest is shown: show what is newest now
            if self._looks is not None:
                self._looks.forget()
            self._show(*self._now)

    # -- what excites a filter -----------------------------------------------------------------------------

    def _ask(self) -> None:
        if self._looks is None:
            return
        unit = min(int(self.view.get("selected") or 0), self.layer["outputs"] - 1)
        wish = Wish(self.layer["name"], unit, int(self.view.get("rank") or 0))
        if wish != self._wish:
            self._wish = wish
            self._looks.want(wish)

    def _said(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        with self.hold_sync():
            self.unit = content
            if buffers:
                self.pixels = buffers[0]

    # -- messages ------------------------------------------------------------------------------------------

    def figure(self) -> bytes:
        """PNG of the layer in sight, as `owlkit.show_filters` draws it."""
        scale = self.view.get("scale") or self._shown.scale
        weights, _ = self._weights(self.layer["name"], self.view.get("frame"))
        drawn = Filters(self.layer["name"], weights, self._shown.channels, scale, captions=True)
        written = io.BytesIO()
        drawn.figure().savefig(written, format="png", dpi=FIGURE_DPI)
        return written.getvalue()

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[Any]) -> None:
        if content.get("type") == "figure":
            self.send({"type": "figure", "name": self.layer["name"]}, buffers=[self.figure()])

    def close(self) -> None:
        self._stop_listening()
        if self._looks is not None:
            self._looks.stop()
        super().close()
