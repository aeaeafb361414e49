"""The filters panel of the still picture: the latest filters, each up to its own largest weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import words
from .filmstrip import Frame
from .picture_page import LEFT, PLOT_WIDTH, POINTS, WIDTH, Facts, Page
from .picture_png import IMAGE, PLAIN, SCALE

PANEL_HEAD = 38
ROWS = ((10, 1), (24, 2), (48, 3), (128, 4))
GAP, MOST_GAP = 3.0, 24.0
MARKS = {"dead": ("∅", (2, 1.4)), "broken": ("✕", ()), "duplicate": ("=", ()), "noise": ("~", (0.8, 1.2))}


class FiltersPanel:
    """Measures itself first (`height`), then draws itself from a height of the page on."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.frame = facts, facts.frame
        count = len(self.frame.levels) if self.frame else 0
        self.rows, self.columns, self.tile, self.gap = grid_of(count, PLOT_WIDTH)
        self.gap_y = max(GAP, min(6.0, self.gap))

    @property
    def height(self) -> float:
        """Pixels; 0 where there is nothing to show."""
        if self.frame is None:
            return 0
        return PANEL_HEAD + self.rows * (self.tile + self.gap_y) - self.gap_y + 14

    def draw(self, page: Page, top: float) -> None:
        """Head and tiles."""
        assert self.frame is not None
        page.rule(top)
        self._head(page, self.frame, top + PANEL_HEAD / 2)
        marked = len(self.frame.levels) == len(self.frame.health.norms)
        flags = self.frame.health.flags if marked else {}
        body = page.pixel_axes(LEFT, top + PANEL_HEAD, PLOT_WIDTH, self.height - PANEL_HEAD)
        shape = (int(SCALE * (self.height - PANEL_HEAD)), int(SCALE * PLOT_WIDTH), 4)
        image = np.zeros(shape)
        for i, levels in enumerate(self.frame.levels):
            x, y = (round(SCALE * v) for v in self._place(i))
            image[y : y + SCALE * self.tile, x : x + SCALE * self.tile] = self._tile(i, levels, flags)
        extent = (0, PLOT_WIDTH, self.height - PANEL_HEAD, 0)
        body.imshow(image, extent=extent, **IMAGE)
        for i, kind in flags.items():
            self._mark(page, body, i, kind)
        body.set(xlim=(0, PLOT_WIDTH), ylim=(self.height - PANEL_HEAD, 0))

    def _place(self, i: int) -> tuple[float, float]:
        column, row = i % self.columns, i // self.columns
        return column * (self.tile + self.gap), row * (self.tile + self.gap_y)

    def _tile(self, i: int, levels: NDArray[Any], flags: dict[int, str]) -> NDArray[np.float64]:
        """One filter, (pixels, pixels, 4); a dead one on the scale of all, lest its noise be blown up."""
        assert self.frame is not None
        most = self.frame.peaks.max()
        gain = self.frame.peaks[i] / most if flags.get(i) == "dead" and most > 0 else 1.0
        shown = 0.5 + (levels / 255 - 0.5) * gain
        shown = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=-1)
        side = SCALE * self.tile
        rows, columns = (np.arange(side) * size // side for size in shown.shape[:2])
        pixels = shown[rows][:, columns]
        return np.concatenate([pixels, np.ones((side, side, 1))], axis=-1)

    def _mark(self, page: Page, body: Any, i: int, kind: str) -> None:
        from matplotlib.patches import Rectangle

        glyph, dashes = MARKS[kind]
        colour = page.colours["warn"]
        x, y = self._place(i)
        style = (0, dashes) if dashes else "-"
        frame = Rectangle((x - 1, y - 1), self.tile + 2, self.tile + 2, fill=False, ec=colour, ls=style)
        frame.set(linewidth=1.1, clip_on=False)
        body.add_patch(frame)
        corner = (x + self.tile - 9.5, y + self.tile - 9.5)
        body.add_patch(Rectangle(corner, 11.5, 11.5, fc=colour, ec="none", clip_on=False))
        place = (x + self.tile - 3.75, y + self.tile - 3.5)
        look = PLAIN | {"ha": "center", "va": "center", "weight": "bold", "family": page.fonts}
        body.text(*place, glyph, fontsize=9 * POINTS, color="white", **look)

    def _head(self, page: Page, frame: Frame, y: float) -> None:
        title = page.text(14, y, "Filters", 12, weight="bold")
        x = 14 + page.width_of(title) + 12
        filters = self.facts.filters
        planes = {1: "gray", 3: "RGB"}.get(filters["inputs"], f"over {filters['inputs']} channels")
        size = f"{filters['height']}\u202f×\u202f{filters['width']}"
        what = f"{filters['layer']}, {filters['outputs']} of {size} {planes}"
        told = page.text(x, y, what, 12, color=page.colours["ink-2"])
        page.chips(x + page.width_of(told) + 12, y, self._chips(frame))
        grey = {"ha": "right", "color": page.colours["ink-2"]}
        page.text(WIDTH - 14, y, f"own scale, at {words.integer(frame.iter)}", 12, **grey)

    def _chips(self, frame: Frame) -> list[tuple[str, str, str]]:
        health = frame.health
        if len(frame.levels) != len(health.norms):
            return []
        pairs = len(health.duplicates)
        found = (
            (f"∅ {len(health.dead)} dead", len(health.dead)),
            (f"✕ {len(health.broken)} no numbers", len(health.broken)),
            (f"= {pairs} duplicate pair{'s' * (pairs > 1)}", pairs),
            (f"~ {len(health.noise)} still noise", len(health.noise)),
        )
        return [(text, "warn", "warn-bg") for text, count in found if count]


def grid_of(count: int, width: float) -> tuple[int, int, int, float]:
    """(rows, columns, tile, gap) in pixels for `count` tiles; the same rule as in js/src/filters-data.js."""
    if not count:
        return 0, 1, 0, 0.0
    wanted = next((rows for most, rows in ROWS if count <= most), 8)
    near = (wanted, wanted + 1, wanted - 1)
    rows = next((r for r in near if r > 0 and count % r == 0), wanted)
    columns = -(-count // rows)
    most = 56 if count <= 24 else 60
    tile = max(8, min(most, int((width - (columns - 1) * GAP) / columns)))
    gap = min(MOST_GAP, (width - columns * tile) / (columns - 1)) if columns > 1 else 0.0
    return -(-count // columns), columns, tile, gap
