"""Where in an image lies what drives a unit or a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.picture import Picture
from owlkit.inspection.progress import Progress
from owlkit.inspection.saliency import show_saliency
from owlkit.inspection.twin import Twin, batch_for
from owlkit.inspection.units import Unit, choose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

METHODS = ("occlusion", "gradient")
MOST_PLACES = 16  # at once
MOST_OPAQUE = 0.85
# A patch covers about a seventh of a side and moves by a third of itself.
PATCHES_PER_SIDE, STEPS_PER_PATCH = 7, 3


@dataclass(repr=False)
class Heatmap(Picture):
    """map : (H, W) float, of the input's size; large where the image drives the unit. image : uint8.

    For "occlusion" it is by how much the unit's value falls, on average, when a patch over the pixel is
    covered (negative: it rises); for "gradient" the magnitude of the gradient, slightly smoothed.
    """

    unit: Unit
    value: float
    method: str
    map: np.ndarray
    image: np.ndarray

    def figure(self) -> Figure:
        """The image, and the map laid over it."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
        axes[0].imshow(self.image, cmap="gray")
        axes[0].set_title("image", fontsize=10)
        axes[1].imshow(self.image, cmap="gray")
        limit = float(np.abs(self.map).max()) or 1.0
        signed = self.method == "occlusion"
        drawn = axes[1].imshow(
            self.map,
            cmap="RdBu_r" if signed else "magma",
            vmin=-limit if signed else 0,
            vmax=limit,
            alpha=np.clip(np.abs(self.map) / limit, 0, 1) * MOST_OPAQUE,
        )
        axes[1].set_title(f"{self.method}: {self.unit}, value {self.value:.4g}", fontsize=10)
        figure.colorbar(drawn, ax=axes[1], shrink=0.8, label="fall of its value" if signed else "magnitude")
        for axis in axes:
            axis.set_axis_off()
        plt.close(figure)
        return figure

    def __repr__(self) -> str:
        row, column = np.unravel_index(int(self.map.argmax()), self.map.shape)
        return f"Heatmap({self.method} of {self.unit}, value {self.value:.4g}, largest at ({row}, {column}))"


def show_heatmap(
    net: Net,
    image: Any,
    layer: str,
    unit: int | None = None,
    *,
    at: tuple[int, int] | None = None,
    method: str = "occlusion",
    patch: int | None = None,
    stride: int | None = None,
    prepare: ImageInput | None = None,
    progress: bool = True,
) -> Heatmap:
    """What in an image drives a unit of a layer, or a class.

    unit, at : as for show_saliency. patch, stride : side of the covering square and how far it moves, in
    pixels of the input; by default a seventh of the shorter side, and a third of that. Covered pixels get 0,
    which is the mean for nets that take one off.
    method : "occlusion" (Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2) runs the net once per place;
    "gradient" (Simonyan et al. 2014, arXiv:1312.6034) once forward and back.
    Raises NetError for an unknown layer or unit, ValueError for a method or patch that cannot be.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}")
    prepare = prepare or ImageInput()
    if method == "gradient":
        found = show_saliency(net, image, layer, unit, at=at, prepare=prepare)
        return Heatmap(found.unit, found.value, method, _smooth(found.map), found.image)
    twin = Twin(net, batch_for(net, MOST_PLACES))
    prepared = prepare(image, twin.shape)
    name = twin.layer_of(layer)
    values = twin.run(prepared[None], name)
    chosen = choose(layer, values[0], unit, at)
    value = float(chosen.of(values)[0])
    side, step = _sizes(twin.shape, patch, stride)
    falls = _occlude(twin, prepared, chosen, name, (value, side, step), progress)
    return Heatmap(chosen, value, method, falls, prepare.restore(prepared))


def _smooth(pixels: np.ndarray) -> np.ndarray:
    """Single pixels of a gradient are noise; a hundredth of a side tells a part from another."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(pixels, max(pixels.shape) / 100))


def _sizes(shape: tuple[int, ...], patch: int | None, stride: int | None) -> tuple[int, int]:
    """Side and step of the covering square."""
    shorter = min(shape[2:])
    side = patch if patch is not None else max(1, round(shorter / PATCHES_PER_SIDE))
    if not 1 <= side <= shorter:
        raise ValueError(f"patch is {side}, expected 1 to {shorter}, the input's shorter side")
    step = stride if stride is not None else max(1, side // STEPS_PER_PATCH)
    if not 1 <= step <= side:
        raise ValueError(f"stride is {step}, expected 1 to patch ({side}), or pixels are left out")
    return side, step


def _occlude(
    twin: Twin,
    image: np.ndarray,
    unit: Unit,
    layer: str,
    scan: tuple[float, int, int],
    progress: bool,
) -> np.ndarray:
    """(H, W): how much of the unit's value goes when a pixel is covered, over all squares that cover it."""
    value, side, step = scan
    batch = twin.shape[0]
    height, width = image.shape[1:]
    places = [(top, left) for top in _starts(height, side, step) for left in _starts(width, side, step)]
    total, times = np.zeros((height, width)), np.zeros((height, width))
    line = Progress(progress, "covering", f"{len(places)} places")
    for first in range(0, len(places), batch):
        some = places[first : first + batch]
        covered = np.repeat(image[None], len(some), 0)
        for index, (top, left) in enumerate(some):
            covered[index, :, top : top + side, left : left + side] = 0
        falls = value - unit.of(twin.run(covered, layer))
        for (top, left), fall in zip(some, falls, strict=True):
            total[top : top + side, left : left + side] += fall
            times[top : top + side, left : left + side] += 1
        line.tick(f", {first + len(some)} done")
    line.finish()
    return total / times


def _starts(length: int, side: int, step: int) -> list[int]:
    """Starts of squares that cover every pixel."""
    last = length - side
    return sorted({*range(0, last + 1, step), last})
