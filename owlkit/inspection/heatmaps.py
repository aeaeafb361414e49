"""Where in an image lies what drives a unit or a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.progress import Progress
from owlkit.inspection.image_input import ImageInput, input_of
from owlkit.inspection.occlusion import OnPlaces, Scan, occlude
from owlkit.inspection.own_image import GIVEN, image_and_layer, prepared_image, titled
from owlkit.inspection.picture import Picture, closed_figure
from owlkit.inspection.prediction import Labels, read_labels
from owlkit.inspection.saliency import METHODS as BACKWARD
from owlkit.inspection.saliency import show_saliency
from owlkit.inspection.twin import Twin, batch_for
from owlkit.inspection.units import Unit, choose, label_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

METHODS = ("occlusion", "gradient")
MOST_PLACES = 16  # at once
MOST_OPAQUE = 0.85


@dataclass(repr=False)
class Heatmap(Picture):
    """map : (H, W) float, of the input's size; large where the image drives the unit. image : uint8.

    For "occlusion" it is by how much the unit's value falls, on average, when a patch over the pixel is
    covered (negative: it rises); for "gradient" the magnitude of the gradient, slightly smoothed.
    label : the unit's name, where it has one. about : which image that is. net, prepare, given, labels,
    scan : what a live view goes on with; scan is None for "gradient".
    """

    frontend_kind = "drivers"

    unit: Unit
    value: float
    method: str
    map: np.ndarray
    image: np.ndarray
    label: str | None = None
    net: Net | None = None
    prepare: ImageInput | None = None
    given: np.ndarray | None = None
    labels: list[str] | None = None
    scan: Scan | None = None
    about: str = GIVEN

    def figure(self) -> Figure:
        """The image, and the map laid over it."""
        figure, axes = closed_figure(1, 2, figsize=(9, 4.2), layout="constrained")
        axes[0].imshow(self.image, cmap="gray")
        axes[0].set_title(titled(self.about), fontsize=10)
        axes[1].imshow(self.image, cmap="gray")
        known = np.where(np.isfinite(self.map), self.map, 0)
        limit = float(np.abs(known).max()) or 1.0
        signed = self.method == "occlusion"
        drawn = axes[1].imshow(
            known,
            cmap="RdBu_r" if signed else "magma",
            vmin=-limit if signed else 0,
            vmax=limit,
            alpha=np.clip(np.abs(known) / limit, 0, 1) * MOST_OPAQUE,
        )
        title = f"{self.method}: {self.unit.called(self.label)}, value {self.value:.4g}{self._broken()}"
        axes[1].set_title(title, fontsize=10)
        figure.colorbar(drawn, ax=axes[1], shrink=0.8, label="fall of its value" if signed else "magnitude")
        for axis in axes:
            axis.set_axis_off()
        return figure

    def _broken(self) -> str:
        """Told of a map with places that are no numbers: they are drawn as 0."""
        count = int((~np.isfinite(self.map)).sum())
        return f"; {count} of {self.map.size} pixels are NaN or infinite" if count else ""

    def __repr__(self) -> str:
        known = np.where(np.isfinite(self.map), self.map, -np.inf)
        row, column = np.unravel_index(int(known.argmax()), self.map.shape)
        unit = self.unit.called(self.label)
        place = f", largest at ({row}, {column})" if np.isfinite(known).any() else ""
        which = "" if self.about == GIVEN else f"; {self.about}"
        return f"Heatmap({self.method} of {unit}, value {self.value:.4g}{place}{self._broken()}{which})"


def show_heatmap(
    net: Net,
    image: Any = None,
    layer: str | None = None,
    unit: int | None = None,
    *,
    at: tuple[int, int] | None = None,
    method: str = "occlusion",
    patch: int | None = None,
    stride: int | None = None,
    prepare: ImageInput | None = None,
    labels: Labels | None = None,
    progress: bool = True,
) -> Heatmap:
    """What in an image drives a unit of a layer, or a class.

    image : as for show_activations: without one, `show_heatmap(net, "conv1")`, one of the net's own.
    unit, at, labels : as for show_saliency. patch, stride : side of the covering square and how far it moves,
    in pixels of the input; by default a seventh of the shorter side, and a third of that. Covered pixels get
    0, which is the mean for nets that take one off.
    method : "occlusion" (Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2) runs the net once per place;
    "gradient" (Simonyan et al. 2014, arXiv:1312.6034) once forward and back.
    In a notebook with the widgets it is a live view: other methods, units, classes, layers and images.
    Raises NetError for an unknown layer or unit, ValueError for a method or patch that cannot be, DataError
    for labels that cannot be read.
    """
    if method not in METHODS:
        other = f"; show_saliency(..., method={method!r}) has that one" if method in BACKWARD else ""
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}{other}")
    image, layer = image_and_layer(image, layer, "show_heatmap")
    asked, prepare, names = Place(layer, unit, at), prepare or input_of(net), read_labels(labels)
    if method == "gradient":
        return by_gradient(net, image, asked, prepare, names)
    line = Progress(progress, "covering", "the image")

    def tell(done: int, total: int, falls: np.ndarray) -> None:
        line.tick(f", {done} of {total} places done")

    made = by_occlusion(net, image, asked, prepare, names, sizes=(patch, stride), on_places=tell)
    line.finish()
    return made


@dataclass(frozen=True)
class Place:
    """A unit as it is asked for: None is what answers most."""

    layer: str
    unit: int | None = None
    at: tuple[int, int] | None = None


def by_gradient(net: Net, image: Any, asked: Place, prepare: ImageInput, labels: list[str] | None) -> Heatmap:
    """The smoothed magnitude of the gradient."""
    found = show_saliency(net, image, asked.layer, asked.unit, at=asked.at, prepare=prepare, labels=labels)
    made = Heatmap(found.unit, found.value, "gradient", smooth(found.map), found.image, found.label)
    made.net, made.prepare, made.given, made.labels = net, prepare, found.given, labels
    made.about = found.about
    return made


def by_occlusion(
    net: Net,
    image: Any,
    asked: Place,
    prepare: ImageInput,
    labels: list[str] | None,
    *,
    sizes: tuple[int | None, int | None] = (None, None),
    on_places: OnPlaces,
) -> Heatmap:
    """sizes : patch and stride. on_places : see `occlude`."""
    twin = Twin(net, batch_for(net, MOST_PLACES))
    prepared, about = prepared_image(net, image, prepare, twin)
    name = twin.layer_of(asked.layer)
    values = twin.run(prepared[None], name)
    unit = choose(asked.layer, values[0], asked.unit, asked.at)
    value, scan = float(unit.of(values)[0]), Scan.of(twin.shape, *sizes)
    falls = occlude(twin, prepared, unit, name, value, scan, on_places)
    label = label_of(unit, values.shape[1], labels)
    shown = prepare.restore(prepared)
    return Heatmap(unit, value, "occlusion", falls, shown, label, net, prepare, prepared, labels, scan, about)


def smooth(pixels: np.ndarray) -> np.ndarray:
    """Single pixels of a gradient are noise; a hundredth of a side tells a part from another."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(pixels, max(pixels.shape) / 100))
