"""A map of relative errors, one row of cells per blob. Colour flips at the tolerance; kinks are a glyph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.core.errors import NetError
from owlkit.inspection.gradcheck.result import GLYPHS, BlobCheck

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.inspection.gradcheck.report import GradientReport

RIGHT_COLOURS = ("#eef2f5", "#b9d0df", "#6da3c4")  # error below the tolerance: light is small
WRONG_COLOURS = ("#e08a45", "#963200")
EMPTY = "#ffffff"
INK = "#1f2328"
SMALLEST = 1e-12  # errors below are drawn as this
MOST_ROWS = 40
ROW_INCHES = 0.55
WIDTH_INCHES = 9.0
MOST_CELLS_HIGH = 8
FEWEST_CELLS_WIDE = 16  # so that the cells of a small blob are not taken for something large


def draw(report: GradientReport, layers: list[str] | None) -> Figure:
    """See GradientReport.plot. The figure is closed for pyplot, so that a notebook shows it once."""
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable

    rows = [row for row in report.rows if row.done and (layers is None or row.layer in layers)]
    if not rows:
        raise NetError("no element was checked, so there is nothing to draw")
    left_out = max(0, len(rows) - MOST_ROWS)
    if left_out:
        rows = [row for row in rows if row.verdict in ("wrong", "unasked")][:MOST_ROWS] or rows[:MOST_ROWS]
    colours, norm = _scale(report.settings.tolerance)
    figure, axes = plt.subplots(
        len(rows),
        1,
        figsize=(WIDTH_INCHES, ROW_INCHES * len(rows) + 1),
        squeeze=False,
        layout="constrained",
    )
    for axis, row in zip(axes[:, 0], rows, strict=True):
        _draw_row(axis, row, colours, norm)
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=list(axes[:, 0]), location="bottom", aspect=60, fraction=0.03
    )
    exponents = range(-12, 1, 2)
    bar.set_ticks(list(exponents), labels=[f"$10^{{{e}}}$" for e in exponents])
    shown = f"; {len(rows)} of {len(rows) + left_out} blobs" if left_out else ""
    bar.set_label(f"relative error, tolerance {report.settings.tolerance:g}; ^ kink, not counted{shown}")
    figure.suptitle(f"gradients of {report.name}", fontsize=10)
    plt.close(figure)
    return figure


def _scale(tolerance: float) -> tuple[Any, Any]:
    """(colours, norm) over log10 of the error, with a break at the tolerance."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    low = np.log10(SMALLEST)
    where = float(np.clip((np.log10(tolerance) - low) / -low, 0.05, 0.95))
    below = [(where * i / (len(RIGHT_COLOURS) - 1), colour) for i, colour in enumerate(RIGHT_COLOURS)]
    colours = LinearSegmentedColormap.from_list(
        "gradients", [*below, (where, WRONG_COLOURS[0]), (1.0, WRONG_COLOURS[1])], N=1024
    )
    return colours.with_extremes(bad=EMPTY), Normalize(low, 0)


def _draw_row(axis: Any, row: BlobCheck, colours: Any, norm: Any) -> None:
    """Cells in memory order, down and then right."""
    high = max(1, min(MOST_CELLS_HIGH, int(np.sqrt(row.done))))
    wide = -(-row.done // high)
    cells = np.full(wide * high, np.nan)
    cells[: row.done] = np.log10(np.clip(np.nan_to_num(row.error[: row.done], nan=1.0), SMALLEST, 1.0))
    kinks = np.flatnonzero(row.kink[: row.done])
    cells[kinks] = np.nan
    picture = np.ma.masked_invalid(cells.reshape(wide, high).T)
    axis.imshow(picture, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    axis.plot(kinks // high, kinks % high, linestyle="", marker="^", markersize=4, color=INK)
    axis.set_xlim(-0.5, max(wide, FEWEST_CELLS_WIDE) - 0.5)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_ylabel(f"{row.layer} {row.slot.label}", rotation=0, ha="right", va="center", fontsize=8)
    axis.annotate(
        f"{GLYPHS[row.verdict]} {row.verdict}",
        (1.01, 0.5),
        xycoords="axes fraction",
        fontsize=8,
        va="center",
        color=WRONG_COLOURS[1] if row.verdict == "wrong" else INK,
    )
