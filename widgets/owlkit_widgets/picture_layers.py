"""The layers panel of the still picture: a strip per layer, coloured by log10 of update : weight."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import words
from .layer_names import short_names
from .norms import log_ratios
from .picture_chart import FLAGS, RISING
from .picture_map import LayersMap
from .picture_page import LEFT, PLOT_WIDTH, POINTS, RIGHT, WIDTH, Facts, Page, fits_gutter
from .picture_png import IMAGE, dashes
from .picture_rows import Opened, Row, histogram_words, main_param, rows_of
from .picture_strips import RATIO, Columns, paint_curve, paint_fixed, paint_histograms, paint_ratios, ramp

PANEL_HEAD = 38
GAP, ROOM = 2, 290  # pixels between rows, and for all of them
MANY, MOST_PINNED = 40, 8
"""Layers that get a row each; of more, those that need a look do, and all are in a map of thin strips."""
LOOKS = {"hot": ("▲", "bad", "bad-bg"), "frozen": ("▼", "train", "info-bg"), "nan": ("✕", "bad", "bad-bg")}
WORDS = {"hot": "hot", "frozen": "frozen", "nan": "not finite"}
WHOLE_LOOKS = {"hot": ("bad", "bad-bg"), "frozen": ("train", "info-bg"), "settled": ("ink-2", "bg-sunk")}


class LayersPanel:
    """Measures itself first (`height`), then draws itself from a height of the page on."""

    def __init__(self, facts: Facts, opened: Opened | None = None) -> None:
        self.facts, opened = facts, opened or Opened()
        self.flags = {flag.index: flag for flag in facts.health.flags}
        self.names = {p["index"]: layer["name"] for layer in facts.layers for p in layer["params"]}
        self.ratios = _shown_ratios(facts.norms[1])
        self.learning = [layer["name"] for layer in facts.layers if not main_param(layer)["fixed"]]
        shown, self.map = facts.layers, None
        if len(facts.layers) > MANY:
            shown = [layer for layer in shown if self._needs_a_look(layer) or layer["name"] in opened.layers]
            names = [layer["name"] for layer in facts.layers]
            fixed = [i for i, name in enumerate(names) if name not in self.learning]
            ratios = self.ratios[:, self._main()]
            ratios[:, fixed] = np.nan
            self.map = LayersMap(names, ratios, frozenset(fixed))
        count = max(1, len(shown))
        self.step = 21 if self.map else max(15, min(26 if count <= 6 else 23, ROOM // count))
        rows = rows_of(shown, opened, self.step - GAP)
        self.rows = rows[:MOST_PINNED] if self.map else rows

    def _needs_a_look(self, layer: dict[str, Any]) -> bool:
        return any(p["index"] in self.flags for p in layer["params"])

    @cached_property
    def short(self) -> dict[str, str]:
        """What is written of each layer's name, in the font that is drawn with."""
        return short_names([layer["name"] for layer in self.facts.layers], fits_gutter)

    @property
    def height(self) -> float:
        """Pixels; 0 where there is nothing to show."""
        if not self.facts.layers or not len(self.facts.norms[0]):
            return 0
        deep = self.map.height if self.map else 0
        return PANEL_HEAD + sum(row.height + GAP for row in self.rows) + deep + 8

    def draw(self, page: Page, top: float) -> None:
        """Head, strips, values."""
        page.rule(top)
        self._head(page, top + PANEL_HEAD / 2)
        body = page.pixel_axes(LEFT, top, PLOT_WIDTH, self.height)
        columns = self._columns(self.facts.norms[0])
        y: float = PANEL_HEAD
        for row in self.rows:
            if row.moments:
                taken = self._columns(np.array([iteration for iteration, _ in row.moments]))
                paint_histograms(page, body, row.moments, taken, y, row.height)
                self._told(page, row, top + y + row.height / 2)
            else:
                self._strip(page, body, columns, row, y)
                self._values(page, row, top + y + row.height / 2)
            y += row.height + GAP
        if self.map:
            self.map.draw(page, body, columns, top, y, self._flagged(), self.short)
        self._hairlines(page, body)

    def _columns(self, iters: NDArray[Any]) -> Columns:
        return Columns(iters, self.facts.figures["iter"], self.facts.end)

    def _flagged(self) -> dict[int, str]:
        """Number of a layer that needs a look -> the colour of its mark."""
        return {i: LOOKS[self.flags[k].kind][1] for i, k in enumerate(self._main()) if k in self.flags}

    def _main(self) -> list[int]:
        return [main_param(layer)["index"] for layer in self.facts.layers]

    def _strip(self, page: Page, body: Any, columns: Columns, row: Row, y: float) -> None:
        if row.param["fixed"]:
            return paint_fixed(page, body, y, row.height)
        ratios = self.ratios[:, row.param["index"]]
        found = columns.of(ratios[:, None])
        paint_ratios(page, body, found, y, row.height)
        paint_curve(page, body, found[0], y, row.height)
        if row.main:
            self._bracket(page, body, row.param["index"], y)

    def _hairlines(self, page: Page, body: Any) -> None:
        for flag in self.facts.flags:
            if flag["kind"] in RISING:
                x = flag["iter"] / self.facts.end * PLOT_WIDTH
                look = {"color": page.colours[FLAGS[flag["kind"]][0]], "lw": POINTS, "alpha": 0.8}
                body.plot([x, x], [PANEL_HEAD, self.height], dashes=dashes(POINTS, 2, 3), **look)

    def _head(self, page: Page, y: float) -> None:
        grey = {"color": page.colours["ink-2"]}
        title = page.text(14, y, "Layers", 12, weight="bold")
        x = 14 + page.width_of(title) + 12
        told = words.count_layers(len(self.learning), len(self.facts.layers))
        count = page.text(x, y, f"{told}   log₁₀ of update : weight", 12, **grey)
        page.chips(x + page.width_of(count) + 12, y, self._chips())
        self._legend(page, LEFT + PLOT_WIDTH, y)
        for text, right in zip(("log₁₀ ratio", "weight", "update"), _rights(), strict=True):
            page.text(right, y, text, 11, ha="right", **grey)

    def _legend(self, page: Page, right: float, y: float) -> None:
        grey = {"color": page.colours["ink-2"]}
        if len(self.learning) < len(self.facts.layers):
            told = page.text(right, y, words.FIXED, 11, ha="right", **grey)
            right -= page.width_of(told) + 4
            page.canvas.plot([right - 16, right], [y, y], color=page.colours["edge"], lw=POINTS)
            right -= 16 + 12
        told = page.text(right, y, "1 hot", 11, ha="right", **grey)
        right -= page.width_of(told) + 6
        bar = page.pixel_axes(right - 112, y - 5, 112, 10)
        bar.imshow(ramp(page, RATIO)[None], extent=(0, 112, 10, 0), **IMAGE)
        page.text(right - 118, y, "frozen 10⁻⁶", 11, ha="right", **grey)

    def _chips(self) -> list[tuple[str, str, str]]:
        health = self.facts.health
        chips = []
        if health.whole:
            told = words.whole(health.whole, self.learning, len(self.facts.layers))
            chips.append((told, *WHOLE_LOOKS[health.whole]))
        for kind, (glyph, ink, background) in LOOKS.items():
            found = [self.names[flag.index] for flag in health.flags if flag.kind == kind]
            if found and kind != health.whole:  # what holds of the whole net is not counted once more
                words_ = found[0] if len(found) == 1 else str(len(found))
                chips.append((f"{glyph} {words_} {WORDS[kind]}", ink, background))
        return chips

    def _bracket(self, page: Page, body: Any, index: int, y: float) -> None:
        from matplotlib.patches import Rectangle

        flag = self.flags.get(index)
        if flag is None:
            return
        reached = max(self.facts.figures["iter"], self.facts.norms[0][-1])
        a, b = (i / self.facts.end * PLOT_WIDTH for i in (flag.since, reached))
        colour = page.colours[LOOKS[flag.kind][1]]
        body.plot([a, a, b, b], [y + 3, y - 1, y - 1, y + 3], color=colour, lw=1.45)
        if flag.kind == "nan":
            span = Rectangle((a, y), max(b - a, 2), self.step - GAP, fc="none", ec=colour, hatch="////", lw=0)
            body.add_patch(span)

    def _name(self, page: Page, row: Row, y: float, bold: bool) -> None:
        px, ink = (12 if self.step > 16 else 11), page.colours["ink" if row.main else "ink-2"]
        name = self.short[row.name] if row.main else row.name
        page.text(LEFT - 10, y, name, px, ha="right", weight="bold" if bold else "normal", color=ink)

    def _told(self, page: Page, row: Row, y: float) -> None:
        """The latest histogram in words."""
        self._name(page, row, y, False)
        if row.moments:
            told = histogram_words(row.moments[-1][1])
            page.text(_rights()[2], y, told, 12, ha="right", color=page.colours["ink-2"])

    def _values(self, page: Page, row: Row, y: float) -> None:
        index = row.param["index"]
        flag = self.flags.get(index) if row.main else None
        weight, update = (float(v) for v in self.facts.norms[1][-1, :, index])
        px = 12 if self.step > 16 else 11
        self._name(page, row, y, flag is not None)
        told = "fixed" if row.param["fixed"] else words.log_ratio(float(self.ratios[-1, index]))
        rights = _rights()
        page.text(rights[1], y, words.norm(weight, 3), px, ha="right")
        page.text(rights[2], y, words.norm(update, 2), px, ha="right")
        if flag is None:
            page.text(rights[0], y, told, px, ha="right")
            return
        glyph, ink, _ = LOOKS[flag.kind]
        page.text(WIDTH - RIGHT + 43, y, glyph, 10, ha="center", color=page.colours[ink])
        page.text(rights[0], y, told, px, ha="right", color=page.colours[ink], weight="bold")


def _shown_ratios(norms: NDArray[Any]) -> NDArray[np.float64]:
    """log10 of update : weight, (n, count) from (n, 2, count): -inf without an update, NaN where unknown."""
    ratios = log_ratios(norms)
    ratios[(norms[:, 1] == 0) & (norms[:, 0] > 0)] = -np.inf
    return ratios


def _rights() -> tuple[float, float, float]:
    """Right edges of the three columns of values."""
    return WIDTH - RIGHT + 112.0, WIDTH - RIGHT + 162.0, WIDTH - 14.0
