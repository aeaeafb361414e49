"""Strips of the still picture's layers: values over the run as colours, in the columns of the loss chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .histograms import BINS, FIELDS
from .picture_page import PLOT_WIDTH, POINTS, Page
from .picture_png import IMAGE, SCALE

RATIO = [f"r-{decade}" for decade in (6, 5, 4, 3, 2, 1, 0)]
SIZE = [f"m-{k}" for k in range(5)]
CALM = -3.0
"""log10 of update : weight that is healthy: of a pixel's values, the one furthest from it is shown."""


class Columns:
    """Which rows of a table lie in each pixel column: the same rule as in js/src/layers-data.js.

    iters : (n,), where the rows were taken. now : where the run is. end : of the iteration axis.
    """

    def __init__(self, iters: NDArray[Any], now: float, end: float) -> None:
        count = int(PLOT_WIDTH * SCALE)
        ends = np.append(iters[1:].astype(float), max(now, float(iters[-1])))
        at = np.arange(count) / count * end
        self.first = np.clip(np.searchsorted(ends, at, "right"), 0, len(iters) - 1)
        self.seen = (at <= ends[-1]) & (at > int(iters[0]) - end / count)  # at least one pixel

    def of(self, ratios: NDArray[Any]) -> NDArray[np.float64]:
        """Ratios (rows, layers) as (layers, columns): per column what stands out; NaN where nothing is."""
        high = np.maximum.reduceat(ratios, self.first)
        low = np.minimum.reduceat(ratios, self.first)
        found = np.where(np.abs(high - CALM) >= np.abs(low - CALM), high, low)
        return np.where(self.seen, found.T, np.nan)


def ramp(page: Page, tokens: Sequence[str]) -> NDArray[np.float64]:
    """256 colours (256, 3) in 0..1 between those of some tokens."""
    stops = np.array([[int(page.colours[name][i : i + 2], 16) for i in (1, 3, 5)] for name in tokens]) / 255
    at = np.linspace(0, len(stops) - 1, 256)
    return np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=1)


def paint_ratios(page: Page, body: Any, found: NDArray[Any], y: float, height: float) -> None:
    """Log ratios (rows, columns) as colours; what is not known (NaN) stays blank, -inf is the coldest."""
    image = ramp(page, RATIO)[np.clip((np.nan_to_num(found, neginf=-6.0) + 6) / 6 * 255, 0, 255).astype(int)]
    _show(body, np.concatenate([image, ~np.isnan(found)[..., None]], axis=-1), y, height)


def paint_curve(page: Page, body: Any, found: NDArray[Any], y: float, height: float) -> None:
    """The same values per column (columns,) as a thin line over their strip."""
    shares = np.where(np.isfinite(found), (found + 6) / 6, np.nan)
    curve = y + height - np.clip(shares, 0.06, 0.94) * height
    at = (np.arange(len(found)) + 0.5) / len(found) * PLOT_WIDTH
    body.plot(at, curve, color=page.colours["ink"], alpha=0.62, lw=POINTS)


def paint_fixed(page: Page, body: Any, y: float, height: float) -> None:
    """A layer that does not learn: no colour, a hairline."""
    middle = y + height / 2
    body.plot([0, PLOT_WIDTH], [middle, middle], color=page.colours["edge"], lw=POINTS)


def paint_histograms(
    page: Page, body: Any, rows: Sequence[tuple[int, NDArray[Any]]], columns: Columns, y: float, height: float
) -> None:
    """Rows of `histograms.histogram`: each moment is a column, dark where many values lie.

    The value axis is that of most rows, so that the first few squeeze nothing: see js/src/histograms.js.
    """
    table = np.stack([row for _, row in rows])
    low, high = value_axis(table)
    shares = densities(table, np.linspace(high, low, int(height * SCALE) + 1))
    image = ramp(page, SIZE)[np.rint(np.sqrt(shares) * 255).astype(int)]  # what is rare is still seen
    shown = image[columns.first].transpose(1, 0, 2)
    seen = np.broadcast_to(columns.seen[None, :, None], (*shown.shape[:2], 1))
    _show(body, np.concatenate([shown, seen], axis=-1), y, height)
    zero = y + high / (high - low) * height
    seen_at = np.flatnonzero(columns.seen)[[0, -1]] / len(columns.seen) * PLOT_WIDTH
    body.plot(seen_at, [zero, zero], color=page.colours["ink"], alpha=0.35, lw=POINTS)


def value_axis(table: NDArray[Any]) -> tuple[float, float]:
    """Ends of the value axis for histograms (n, FIELDS + BINS): where most of them lie, and 0."""
    ends = table[table[:, 1] > table[:, 0], :2]
    if not len(ends):
        return -1.0, 1.0
    at = [round(share * (len(ends) - 1)) for share in (0.1, 0.9)]
    low, high = min(0.0, float(np.sort(ends[:, 0])[at[0]])), max(0.0, float(np.sort(ends[:, 1])[at[1]]))
    return (low, high) if high > low else (low - 1, low + 1)


def densities(table: NDArray[Any], edges: NDArray[Any]) -> NDArray[np.float64]:
    """Fullest bin between neighbouring values, as share of the row's fullest: (n, len(edges) - 1), 0 to 1.

    table : (n, FIELDS + BINS). edges : falling. A bin narrower than a pixel does not fall between two.
    """
    low, high = table[:, :1], table[:, 1:2]
    bins = table[:, FIELDS:]
    wide = np.where(high > low, high - low, 1)
    place = np.clip(np.floor((edges - low) / wide * BINS), 0, BINS - 1).astype(int)
    first, last = place[:, 1:], place[:, :-1]
    found = np.take_along_axis(bins, first, 1)
    for more in range(1, int((last - first).max(initial=0)) + 1):
        found = np.maximum(found, np.take_along_axis(bins, np.minimum(first + more, last), 1))
    point = np.broadcast_to(bins[:, BINS // 2 : BINS // 2 + 1], found.shape)  # all values are the same
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    return np.where(inside, np.where(high > low, found, point), 0) / np.maximum(
        bins.max(1, keepdims=True), 1e-12
    )


def _show(body: Any, image: NDArray[Any], y: float, height: float) -> None:
    body.imshow(image, extent=(0, PLOT_WIDTH, y + height, y), **IMAGE)
