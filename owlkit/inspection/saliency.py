"""Which pixels a unit answers to, by the gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.own_image import GIVEN, image_and_layer, prepared_image, titled
from owlkit.inspection.picture import Picture, closed_figure
from owlkit.inspection.prediction import Labels, read_labels
from owlkit.inspection.twin import Twin
from owlkit.inspection.units import Unit, choose, label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

METHODS = ("gradient", "deconvnet", "guided")
CLIP_PERCENTILE = 99.5


@dataclass(repr=False)
class Saliency(Picture):
    """gradient : (C, H, W), of the unit with respect to the input. value : the unit's. image : uint8.

    label : the unit's name, where it has one. about : which image that is. net, prepare, given, labels : what
    a live view goes on with.
    """

    frontend_kind = "drivers"

    unit: Unit
    value: float
    method: str
    gradient: np.ndarray
    image: np.ndarray
    label: str | None = None
    net: Net | None = None
    prepare: ImageInput | None = None
    given: np.ndarray | None = None
    labels: list[str] | None = None
    about: str = GIVEN

    @property
    def map(self) -> np.ndarray:
        """(H, W): the largest magnitude over the channels."""
        return np.abs(self.gradient).max(0)

    @property
    def signed(self) -> np.ndarray:
        """(H, W, 3) in RGB or (H, W), 0 to 1: the gradient around grey; extremes are cut at 99.5 %."""
        limit = float(np.percentile(np.abs(self.gradient), CLIP_PERCENTILE)) or 1.0
        levels = np.clip(0.5 + self.gradient / (2 * limit), 0, 1).transpose(1, 2, 0)
        if levels.shape[-1] != 3:
            return levels[..., 0]
        return levels[..., ["RGB".index(c) for c in (self.prepare or ImageInput()).channels]]

    def figure(self) -> Figure:
        """The image, the signed gradient around grey, and its magnitude; extremes are cut at 99.5 %."""
        figure, axes = closed_figure(1, 3, figsize=(9.5, 3.5), layout="constrained")
        axes[0].imshow(self.image, cmap="gray")
        axes[0].set_title(titled(self.about), fontsize=10)
        axes[1].imshow(self.signed, cmap="gray", vmin=0, vmax=1)
        axes[1].set_title(f"{self.method} of {self.unit.called(self.label)}", fontsize=10)
        axes[2].imshow(self.map, cmap="magma", vmax=float(np.percentile(self.map, CLIP_PERCENTILE)) or 1.0)
        axes[2].set_title("magnitude", fontsize=10)
        for axis in axes:
            axis.set_axis_off()
        return figure

    def __repr__(self) -> str:
        which = "" if self.about == GIVEN else f"; {self.about}"
        return f"Saliency({self.method} of {self.unit.called(self.label)}, value {self.value:.4g}{which})"


def show_saliency(
    net: Net,
    image: Any = None,
    layer: str | None = None,
    unit: int | None = None,
    *,
    at: tuple[int, int] | None = None,
    method: str = "gradient",
    prepare: ImageInput | None = None,
    labels: Labels | None = None,
) -> Saliency:
    """Gradient of one unit with respect to the pixels, or one of the two ways to tidy it.

    image : as for show_activations: without one, `show_saliency(net, "conv1")`, one of the net's own.
    unit : channel or class of the layer's top, by default the one that answers most; at : (row, column) in
    its plane, by default where it answers most.
    method : "gradient" (Simonyan et al. 2014, arXiv:1312.6034); "deconvnet": each ReLU passes what is
    positive of the gradient instead of what was positive in forward (Zeiler and Fergus 2014,
    arXiv:1311.2901); "guided": both conditions (Springenberg et al. 2015, arXiv:1412.6806).
    labels : names of classes, a list or a file with one a line; units of layers with as many channels have
    them too. In a notebook with the widgets it is a live view, as of show_heatmap.
    Raises NetError for an unknown layer or unit, ValueError for another method, DataError for labels that
    cannot be read.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    image, layer = image_and_layer(image, layer, "show_saliency")
    prepare, names = prepare or input_of(net), read_labels(labels)
    twin = Twin(net, gradients=True)
    prepared, about = prepared_image(net, image, prepare, twin)
    name = twin.layer_of(layer)
    with twin.steady():
        values = twin.run(prepared[None], name)
        chosen = choose(layer, values[0], unit, at)
        if method != "gradient":
            _tidy(twin, method)
        gradient = twin.gradient(name, chosen.mask(twin.top(name).shape))[0]
    image, value = prepare.restore(prepared), float(chosen.of(values)[0])
    label = label_of(chosen, values.shape[1], names)
    return Saliency(chosen, value, method, gradient, image, label, net, prepare, prepared, names, about)


def _tidy(twin: Twin, method: str) -> None:
    """Change what ReLUs pass backward, layer by layer as the gradient comes by."""
    nodes = twin.net.graph.nodes
    kept: dict[int, np.ndarray] = {}

    def before(index: int) -> None:
        if nodes[index].layer.type == "ReLU" and method == "deconvnet":
            kept[index] = np.maximum(nodes[index].top[0].diff, 0)

    def after(index: int) -> None:
        if nodes[index].layer.type != "ReLU":
            return
        diff = nodes[index].bottom[0].diff
        diff[...] = kept.pop(index) if method == "deconvnet" else np.maximum(diff, 0)

    watchers: tuple[tuple[str, Callable[[int], None]], ...] = (
        ("before_backward", before),
        ("after_backward", after),
    )
    for moment, watcher in watchers:
        twin.net.watch_layers(moment, watcher)
