"""Pictures of what a convolution has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import NetError, closest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.net import Net

CELL_INCHES = 0.62
MOST_COLUMNS = 16
MOST_TILES = 256


def show_filters(net: Net, layer: str, *, channels: str = "BGR") -> Figure:
    """The weights of a convolution as a matplotlib figure, one tile per filter.

    Filters over one channel are drawn in grey levels, over three in colour (`channels`, "BGR" or "RGB", says
    which plane is which; Caffe's images are BGR); for more input channels there is one grey tile per pair of
    output and input. All tiles share one scale, symmetric about zero, so that filters can be compared: grey
    is 0, white the largest weight. At most 256 tiles are shown.

    Raises NetError where `layer` is unknown or has no weights over a plane, ValueError for other `channels`.
    """
    return draw_tiles(filter_tiles(filter_weights(net, layer), channels), title=layer)


def filter_weights(net: Net, layer: str) -> np.ndarray:
    """Weights of a layer: (outputs, inputs, height, width)."""
    if layer not in net.params:
        known = ", ".join(net.params) or "none"
        suggestion = closest(layer, net.params)
        raise NetError(f"{layer}: no layer of that name has parameters{suggestion}; with parameters: {known}")
    weights = np.asarray(net.params[layer][0].data)
    if weights.ndim != 4:
        raise NetError(
            f"{layer}: its weights have shape {weights.shape}, expected (outputs, inputs, height, width); "
            "show_filters draws convolutions"
        )
    return weights


def filter_tiles(weights: np.ndarray, channels: str = "BGR") -> np.ndarray:
    """Weights (outputs, inputs, H, W) as levels in 0..1, where 0.5 stands for a weight of 0.

    Gives (tiles, H, W), or (tiles, H, W, 3) in RGB for three inputs.
    """
    if channels not in ("BGR", "RGB"):
        raise ValueError(f"channels is {channels!r}, expected 'BGR' or 'RGB'")
    largest = float(np.abs(weights).max(initial=0)) or 1.0
    levels = 0.5 + weights / (2 * largest)
    if weights.shape[1] == 3:
        planes = [channels.index(colour) for colour in "RGB"]
        return levels[:MOST_TILES, planes].transpose(0, 2, 3, 1)
    return levels.reshape(-1, *weights.shape[2:])[:MOST_TILES]


def draw_tiles(tiles: np.ndarray, *, title: str = "", labels: list[str] | None = None) -> Figure:
    """Tiles (n, H, W) or (n, H, W, 3) with levels in 0..1 in a grid; `labels` go above the tiles.

    The figure is closed for pyplot, so that a notebook shows it once: as the cell's value.
    """
    import matplotlib.pyplot as plt

    rows = max(1, -(-len(tiles) // MOST_COLUMNS))
    columns = max(1, -(-len(tiles) // rows))
    height = CELL_INCHES * (1.5 if labels else 1)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * CELL_INCHES, rows * height + 0.35),
        squeeze=False,
        layout="constrained",
    )
    cells: list[Any] = list(axes.flat)
    for cell in cells:
        cell.set_axis_off()
    for index, (cell, tile) in enumerate(zip(cells, tiles, strict=False)):
        cell.imshow(tile, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        if labels:
            cell.set_title(labels[index], fontsize=8)
    figure.suptitle(title, fontsize=10)
    plt.close(figure)
    return figure
