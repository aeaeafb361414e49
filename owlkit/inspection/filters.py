"""Pictures of what a convolution has learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import NetError, closest
from owlkit.inspection.filter_health import FilterHealth, filter_health
from owlkit.inspection.image_input import ImageInput
from owlkit.inspection.image_source import ImageSource
from owlkit.inspection.picture import Picture, closed_figure
from owlkit.inspection.tiles import tile_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

CELL_INCHES = 0.62
TILE_PIXELS = 24
MOST_COLUMNS = 16
MOST_TILES = 256
SCALES = ("own", "shared")
# What marks a filter that does no work: glyph, and dashes of its frame
MARKS = {
    "dead": ("∅", (0, (3, 2))),
    "broken": ("✕", "-"),
    "duplicate": ("=", "-"),
    "noise": ("~", (0, (1, 1.5))),
}
MARK_COLOUR = "#7a5200"


@dataclass(repr=False)
class Filters(Picture):
    """weights : (outputs, inputs, H, W). health : which filters do no work.

    channels : "BGR" or "RGB", what the three inputs stand for. scale : "own" stretches each filter to its
    largest weight, "shared" has one scale for all. captions : write each filter's number over it.
    net, images, prepare, over : what a live view in a notebook goes on with; see show_filters.
    """

    frontend_kind = "filters"

    layer: str
    weights: np.ndarray
    channels: str = "BGR"
    scale: str = "own"
    captions: bool = False
    net: Net | None = None
    images: ImageSource | None = None
    prepare: ImageInput | None = None
    over: Any = None
    health: FilterHealth = field(init=False)

    def __post_init__(self) -> None:
        self.health = filter_health(self.weights)

    @property
    def tiles(self) -> np.ndarray:
        """Levels in 0..1, 0.5 for a weight of 0: (n, H, W), or (n, H, W, 3) in RGB for three inputs."""
        return filter_tiles(self.weights, self.channels, self.scale)

    def figure(self) -> Figure:
        """One tile per filter, at most 256; per pair of output and input where inputs are not 1 or 3."""
        marks = self.health.flags if self.weights.shape[1] in (1, 3) else {}
        return draw_tiles(self.tiles, title=self._title(), marks=marks, captions=self.captions)

    def _title(self) -> str:
        outputs, inputs, height, width = self.weights.shape
        return f"{self.layer}: {outputs} filters of {inputs}x{height}x{width}; {self.health}"

    def __repr__(self) -> str:
        return f"Filters({self._title()})"


def show_filters(
    net: Net,
    layer: str,
    *,
    channels: str = "BGR",
    scale: str = "own",
    captions: bool = False,
    images: Any = None,
    prepare: ImageInput | None = None,
    limit: int | None = None,
    over: Any = None,
) -> Filters:
    """Look at the weights of a convolution, one tile per filter.

    Filters over one channel are drawn in grey levels, over three in colour (`channels`, "BGR" or "RGB", says
    which plane is which; Caffe's images are BGR); for more input channels there is one grey tile per pair of
    output and input. Grey is 0. scale : "own", each filter up to its largest weight, or "shared", one scale
    for all, so that filters can be compared. captions : number the filters.
    Filters that do no work are marked: ∅ dead (norm under a tenth of the median, or 0), ✕ with a weight that
    is NaN or infinite, = twice there, ~ still noise.

    In a notebook with the widgets it is a live view: other layers, order, one filter in detail. There
    images : a folder, an LMDB set or a list (see ImageSource; at most `limit` of them), in which to find the
        patches that a filter answers to most, and where it fires. prepare : how they become input.
    over : a Run, to look at the filters at earlier iterations as its monitor keeps them.

    Raises NetError where `layer` is unknown or has no weights over a plane, ValueError for other `channels`,
    DataError for a folder without images.
    """
    return Filters(
        layer,
        filter_weights(net, layer),
        _known("channels", channels, ("BGR", "RGB")),
        _known("scale", scale, SCALES),
        captions,
        net,
        ImageSource(images, limit) if images is not None else None,
        prepare,
        over,
    )


def _known(name: str, value: str, values: Sequence[str]) -> str:
    if value not in values:
        raise ValueError(f"{name} is {value!r}, expected {' or '.join(map(repr, values))}")
    return value


def filter_weights(net: Net, layer: str) -> np.ndarray:
    """Copy of a layer's weights: (outputs, inputs, height, width)."""
    if layer not in net.params:
        known = ", ".join(net.params) or "none"
        suggestion = closest(layer, net.params)
        raise NetError(f"{layer}: no layer of that name has parameters{suggestion}; with parameters: {known}")
    with getattr(net, "owlkit_net", net).at_rest():
        weights = np.array(net.params[layer][0].data)
    if weights.ndim != 4:
        raise NetError(
            f"{layer}: its weights have shape {weights.shape}, expected (outputs, inputs, height, width); "
            "show_filters draws convolutions"
        )
    return weights


def filter_tiles(weights: np.ndarray, channels: str = "BGR", scale: str = "shared") -> np.ndarray:
    """Weights (outputs, inputs, H, W) as levels in 0..1, where 0.5 stands for a weight of 0.

    scale : "shared" or "own", what 0 and 1 stand for: the largest magnitude of all, or of each tile. What is
    NaN or infinite is 0.5 too, and widens no scale.
    Gives (tiles, H, W), or (tiles, H, W, 3) in RGB for three inputs; at most 256 tiles.
    """
    _known("channels", channels, ("BGR", "RGB"))
    _known("scale", scale, SCALES)
    weights = np.where(np.isfinite(weights), weights, 0)
    if weights.shape[1] == 3:
        planes = [channels.index(colour) for colour in "RGB"]
        tiles = weights[:MOST_TILES, planes].transpose(0, 2, 3, 1)
    else:
        tiles = weights.reshape(-1, *weights.shape[2:])[:MOST_TILES]
    largest = np.abs(weights).max(initial=0)
    if scale == "own":
        largest = np.abs(tiles).max(axis=tuple(range(1, tiles.ndim)), keepdims=True, initial=0)
    return 0.5 + tiles / (2 * np.where(largest, largest, 1))


def draw_tiles(
    tiles: np.ndarray, *, title: str = "", marks: dict[int, str] | None = None, captions: bool = False
) -> Figure:
    """Tiles (n, H, W) or (n, H, W, 3) with levels in 0..1 in a grid.

    marks : tile -> one of MARKS, drawn as frame and glyph. captions : write numbers. The figure is closed for
    pyplot, so that a notebook shows it once: as the cell's value.
    """
    zoom = max(1, TILE_PIXELS // tiles.shape[2])  # so that gaps are thin beside small windows too
    tiles = tiles.repeat(zoom, 1).repeat(zoom, 2)
    count, height, width = tiles.shape[:3]
    rows = max(1, -(-count // MOST_COLUMNS))
    columns = max(1, -(-count // rows))
    gap = max(1, width // 12)
    size = (columns * CELL_INCHES, rows * CELL_INCHES * height / width + 0.4)
    figure, axes = closed_figure(figsize=(max(size[0], 3.2), size[1]), layout="constrained")
    grid = tile_grid(tiles, gap=gap, columns=columns, fill=1.0)
    axes.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for index in range(count):
        corner = ((index % columns) * (width + gap) - 0.5, (index // columns) * (height + gap) - 0.5)
        _mark(axes, corner, (width, height), (marks or {}).get(index, ""), str(index) if captions else "")
    axes.set_axis_off()
    figure.suptitle(title, fontsize=9)
    return figure


def _mark(axes: Any, corner: tuple[float, float], size: tuple[int, int], mark: str, caption: str) -> None:
    from matplotlib.patches import Rectangle

    if mark:
        glyph, dashes = MARKS[mark]
        frame = Rectangle(corner, *size, fill=False, edgecolor=MARK_COLOUR, linestyle=dashes, linewidth=1.4)
        axes.add_patch(frame)
        box = dict(facecolor=MARK_COLOUR, edgecolor="none", pad=0.8)
        place = (corner[0] + size[0], corner[1] + size[1])
        axes.text(*place, glyph, color="white", fontsize=6, ha="right", va="bottom", bbox=box)
    if caption:
        box = dict(facecolor="white", edgecolor="none", pad=0.4, alpha=0.75)
        axes.text(*corner, caption, fontsize=5, ha="left", va="top", bbox=box)
