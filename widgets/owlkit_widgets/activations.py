"""What layers make of an image: the kernel's half of the widget (in the browser widgets/js/src/activations*).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``net``      {name, layers: [{name, type, blob, shape, silent}]}, what `Layerwise` knows of each layer
- ``image``    {name, height, width}; ``pixels``: it as the net got it, uint8 (height, width, 3)
- ``layer``    {name, type, blob, names, field} and `activation_tiles.channels_of`, whose levels are ``tiles``
- ``unit``     {layer, name} and `activation_tiles.channel_of`, whose levels are ``plane``
- ``said``     {text, bad}: what went wrong
- ``view``     browser to kernel: {layer, selected}, which choose the above (None: the channel with the
  largest mean), and {order, scale, show, size, look, opacity, table}, which are kept for the next load

Messages: browser to kernel ``{type: "figure"}`` and ``{type: "image", name}`` with the bytes of a file;
kernel to browser ``{type: "figure", name}`` with the PNG of the figure for a paper.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import traitlets
from numpy.typing import NDArray

from owlkit.core.errors import OwlkitError
from owlkit.inspection.activations import Activations
from owlkit.inspection.channels import ChannelView
from owlkit.inspection.layerwise import Layerwise

from .activation_tiles import channel_of, channels_of
from .assets import STYLES, asset
from .comms import LiveWidget
from .seen_image import described_layers, name_of, opened, pixels_of

if TYPE_CHECKING:
    from owlkit.net import Net

FIGURE_DPI = 200


class ActivationsWidget(LiveWidget):
    """A list of layers, the channels of one, one channel over the image.

    shown : what `owlkit.show_activations` gave.
    """

    _esm = asset("activations.js")
    _css = asset(STYLES)

    net: Any = traitlets.Dict().tag(sync=True)
    image: Any = traitlets.Dict().tag(sync=True)
    pixels: Any = traitlets.Bytes().tag(sync=True)
    layer: Any = traitlets.Dict().tag(sync=True)
    tiles: Any = traitlets.Bytes().tag(sync=True)
    unit: Any = traitlets.Dict().tag(sync=True)
    plane: Any = traitlets.Bytes().tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, shown: Activations) -> None:
        self._shown = shown
        self._net = cast("Net", shown.net)  # the view shows nothing without one
        self._values: NDArray[Any] = shown.values
        self._now: tuple[Any, ...] = ()
        self._seen = Layerwise(self._net, shown.given, shown.prepare)
        # A page may ask as soon as the comm is open: what it starts from is there from the beginning.
        super().__init__(view={"layer": self._seen.layer_of(shown.layer), "selected": None})
        self._tell_image(shown.about)
        self._refresh()
        self.observe(lambda change: self._refresh(), "view")

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<{self._shown!r}>"

    # -- to the browser ------------------------------------------------------------------------------------

    def _tell_image(self, name: str) -> None:
        pixels = pixels_of(self._seen)
        with self.hold_sync():
            self.net = {"name": name_of(self._net), "layers": described_layers(self._seen)}
            self.image = {"name": name, "height": pixels.shape[0], "width": pixels.shape[1]}
            self.pixels = pixels.tobytes()

    def _refresh(self) -> None:
        """Bring the traits in line with what the view asks for."""
        name, selected = self.view.get("layer"), self.view.get("selected")
        if name not in self._seen.layers:
            name = next(iter(self._now), None) or next(iter(self._seen.layers))
        if (name, selected) == self._now:
            return
        # Computed before the lock is taken, as it may wait for the end of a training's iteration.
        values = self._seen.values(name) if (name,) != self._now[:1] else None
        with self.hold_sync():
            if values is not None:
                self._show_layer(name, values)
            self._show_unit(name, selected)
        self._now = (name, selected)

    def _show_layer(self, name: str, values: NDArray[Any]) -> None:
        self._values = values
        about, self.tiles = channels_of(self._values)
        top, field, labels = self._seen.layers[name], self._seen.field(name), self._shown.labels
        names = labels if labels is not None and len(labels) == len(self._values) else None
        what = {"name": name, "type": top.type, "blob": top.blob, "names": names}
        self.layer = what | {"field": str(field) if field is not None else None} | about

    def _show_unit(self, name: str, selected: int | None) -> None:
        channels = len(self._values)
        # Not by the largest value: that is often one place at a border, where padding looks like an edge.
        busiest = int(np.argmax(self.layer["means"]))
        channel = busiest if selected is None else min(max(int(selected), 0), channels - 1)
        size = self.image["height"], self.image["width"]
        about, self.plane = channel_of(self._values, channel, self._seen.field(name), size)
        names = self.layer["names"]
        self.unit = {"layer": name, "name": names[channel] if names else None} | about

    # -- from the browser ----------------------------------------------------------------------------------

    def figure(self) -> bytes:
        """PNG of the layer in sight, in the order and on the scale of the view."""
        written = io.BytesIO()
        name, shown = self.layer["name"], self._shown
        drawn = Activations(
            name, self._values, self._seen.image, shown.channels, labels=shown.labels,
            about=self.image["name"], type=self.layer["type"], sees=self._seen.field(name),
        )  # fmt: skip
        chosen = {key: self.view[key] for key in ("order", "scale", "show") if key in self.view}
        view = ChannelView(**chosen, selected=self.unit["channel"])
        drawn.figure(view).savefig(written, format="png", dpi=FIGURE_DPI)
        return written.getvalue()

    def _look_at(self, image: Any, name: str) -> None:
        """Run another image; what goes wrong is told in the widget, and the old one stays."""
        try:
            self._seen = Layerwise(self._net, opened(image), self._shown.prepare)
        except (OwlkitError, OSError) as error:
            self.said = {"text": f"{name}: {error}", "bad": True}
            return
        self.said, last = {}, self.layer["name"]
        self._tell_image(name)
        self._now = ()
        if self.view.get("layer") not in self._seen.layers:
            self.view = {**self.view, "layer": last}
        self._refresh()

    def _receive(self, _widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        if content.get("type") == "figure":
            self.send({"type": "figure", "name": self.layer["name"]}, buffers=[self.figure()])
        elif content.get("type") == "image" and buffers:
            self._look_at(bytes(buffers[0]), str(content.get("name") or "image"))
