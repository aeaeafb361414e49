"""The layers panel of the still picture: a strip per layer, coloured by log10 of update : weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import words
from .norms import log_ratios
from .picture_chart import FLAGS, RISING
from .picture_page import LEFT, PLOT_WIDTH, POINTS, RIGHT, SCALE, WIDTH, Facts, Page

PANEL_HEAD = 38
MANY, MOST_PINNED = 40, 8
"""Layers that get a row each; of more, those that need a look do, and all are in a map of thin strips."""
MAP_ROOM = 312
RAMP = [f"r-{decade}" for decade in (6, 5, 4, 3, 2, 1, 0)]
CALM = -3.0
LOOKS = {"hot": ("▲", "bad", "bad-bg"), "frozen": ("▼", "train", "info-bg"), "nan": ("✕", "bad", "bad-bg")}
WORDS = {"hot": "hot", "frozen": "frozen", "nan": "not finite"}


class LayersPanel:
    """Measures itself first (`height`), then draws itself from a height of the page on."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.flags = {flag.index: flag for flag in facts.health.flags}
        self.deep = len(facts.layers) > MANY
        rows = [layer["params"] for layer in facts.layers]
        if self.deep:
            flagged = [params for params in rows if any(p["index"] in self.flags for p in params)]
            rows = flagged[:MOST_PINNED]
        self.rows = [next((p for p in params if not p["fixed"]), params[0]) for params in rows]
        names = {p["index"]: layer["name"] for layer in facts.layers for p in layer["params"]}
        self.names = names
        self.step = 21 if self.deep else max(15, min(26 if len(rows) <= 6 else 23, 290 // max(1, len(rows))))
        self.each = max(2, min(6, MAP_ROOM // max(1, len(facts.layers))))

    @property
    def height(self) -> float:
        """Pixels; 0 where there is nothing to show."""
        if not self.facts.layers or not len(self.facts.norms[0]):
            return 0
        deep = 12 + self.each * len(self.facts.layers) if self.deep else 0
        return PANEL_HEAD + self.step * len(self.rows) + deep + 8

    def draw(self, page: Page, top: float) -> None:
        """Head, strips, values."""
        page.rule(top)
        self._head(page, top + PANEL_HEAD / 2)
        body = page.pixel_axes(LEFT, top, PLOT_WIDTH, self.height)
        ratios = log_ratios(self.facts.norms[1])
        columns = _Columns(self.facts.norms[0], self.facts.end)
        for i, param in enumerate(self.rows):
            y = PANEL_HEAD + i * self.step
            self._strip(page, body, columns.of(ratios[:, [param["index"]]]), y, self.step - 2)
            self._curve(page, body, ratios[:, param["index"]], y)
            self._row(page, param, top + y + (self.step - 2) / 2)
            self._bracket(page, body, param["index"], y)
        if self.deep:
            first = [layer["params"][0]["index"] for layer in self.facts.layers]
            y = PANEL_HEAD + self.step * len(self.rows) + 12
            self._strip(page, body, columns.of(ratios[:, first]), y, self.each * len(first))
        for flag in self.facts.flags:
            if flag["kind"] in RISING:
                x = flag["iter"] / self.facts.end * PLOT_WIDTH
                colour = page.colours[FLAGS[flag["kind"]][0]]
                body.plot(
                    [x, x], [PANEL_HEAD, self.height], color=colour, lw=POINTS, dashes=(2, 3), alpha=0.8
                )

    def _head(self, page: Page, y: float) -> None:
        grey = {"color": page.colours["ink-2"]}
        title = page.text(14, y, "Layers", 12, weight="bold")
        x = 14 + page.width_of(title) + 12
        count = page.text(
            x, y, f"{len(self.facts.layers)} with weights   log₁₀ of update : weight", 12, **grey
        )
        page.chips(x + page.width_of(count) + 12, y, self._chips())
        bar = page.pixel_axes(LEFT + PLOT_WIDTH - 150, y - 5, 112, 10)
        bar.imshow(_ramp(page)[None], extent=(0, 112, 10, 0), aspect="auto")
        page.text(LEFT + PLOT_WIDTH - 156, y, "frozen 10⁻⁶", 11, ha="right", **grey)
        page.text(LEFT + PLOT_WIDTH - 32, y, "1 hot", 11, **grey)
        for text, right in zip(("log₁₀ ratio", "weight", "update"), _rights(), strict=True):
            page.text(right, y, text, 11, ha="right", **grey)

    def _chips(self) -> list[tuple[str, str, str]]:
        chips = []
        for kind, (glyph, ink, background) in LOOKS.items():
            found = [self.names[flag.index] for flag in self.facts.health.flags if flag.kind == kind]
            if found:
                words_ = found[0] if len(found) == 1 else str(len(found))
                chips.append((f"{glyph} {words_} {WORDS[kind]}", ink, background))
        return chips

    def _strip(self, page: Page, body: Any, found: NDArray[Any], y: float, height: float) -> None:
        """Rows (rows, columns) of log ratios as colours; what is not known stays blank."""
        image = _ramp(page)[np.clip((np.nan_to_num(found) + 6) / 6 * 255, 0, 255).astype(int)]
        shown = np.concatenate([image, np.isfinite(found)[..., None]], axis=-1)
        extent = (0, PLOT_WIDTH, y + height, y)
        body.imshow(shown, extent=extent, aspect="auto", interpolation="nearest")

    def _curve(self, page: Page, body: Any, ratios: NDArray[Any], y: float) -> None:
        height = self.step - 2
        x = self.facts.norms[0] / self.facts.end * PLOT_WIDTH
        curve = y + height - np.clip((ratios + 6) / 6, 0.06, 0.94) * height
        body.plot(x, curve, color=page.colours["ink"], alpha=0.62, lw=POINTS)

    def _bracket(self, page: Page, body: Any, index: int, y: float) -> None:
        from matplotlib.patches import Rectangle

        flag = self.flags.get(index)
        if flag is None:
            return
        a, b = (i / self.facts.end * PLOT_WIDTH for i in (flag.since, self.facts.norms[0][-1]))
        colour = page.colours[LOOKS[flag.kind][1]]
        body.plot([a, a, b, b], [y + 3, y - 1, y - 1, y + 3], color=colour, lw=1.45, solid_joinstyle="miter")
        if flag.kind == "nan":
            span = Rectangle((a, y), max(b - a, 2), self.step - 2, fc="none", ec=colour, hatch="////", lw=0)
            body.add_patch(span)

    def _row(self, page: Page, param: dict[str, Any], y: float) -> None:
        index = param["index"]
        flag = self.flags.get(index)
        weight, update = (float(v) for v in self.facts.norms[1][-1, :, index])
        ratio = float(log_ratios(self.facts.norms[1][-1:])[0, index])
        px = 12 if self.step > 16 else 11
        name = words.clip(self.names[index], 14)
        page.text(LEFT - 10, y, name, px, ha="right", weight="bold" if flag else "normal")
        told = "fixed" if param["fixed"] else words.log_ratio(ratio)
        rights = _rights()
        page.text(rights[1], y, words.norm(weight, 3), px, ha="right")
        page.text(rights[2], y, words.norm(update, 2), px, ha="right")
        if flag is None:
            page.text(rights[0], y, told, px, ha="right")
            return
        glyph, ink, _ = LOOKS[flag.kind]
        page.text(WIDTH - RIGHT + 43, y, glyph, 10, ha="center", color=page.colours[ink])
        page.text(rights[0], y, told, px, ha="right", color=page.colours[ink], weight="bold")


class _Columns:
    """Which rows of norms lie in each pixel column: the same rule as in js/src/layers-data.js."""

    def __init__(self, iters: NDArray[Any], end: float) -> None:
        count = int(PLOT_WIDTH * SCALE)
        edges = np.append(0, (iters[1:].astype(float) + iters[:-1]) / 2)
        ends = np.append(edges[1:], iters[-1])
        at = np.arange(count) / count * end
        self.first = np.clip(np.searchsorted(ends, at, "right"), 0, len(iters) - 1)
        self.seen = at < ends[-1]

    def of(self, ratios: NDArray[Any]) -> NDArray[np.float64]:
        """Ratios (rows, layers) as (layers, columns): per column what stands out; NaN where nothing is."""
        high = np.maximum.reduceat(ratios, self.first)
        low = np.minimum.reduceat(ratios, self.first)
        found = np.where(np.abs(high - CALM) >= np.abs(low - CALM), high, low)
        return np.where(self.seen, found.T, np.nan)


def _ramp(page: Page) -> NDArray[np.float64]:
    """256 colours (256, 3) in 0..1 from 10^-6 to 1."""
    stops = np.array([[int(page.colours[name][i : i + 2], 16) for i in (1, 3, 5)] for name in RAMP]) / 255
    at = np.linspace(0, len(stops) - 1, 256)
    return np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=1)


def _rights() -> tuple[float, float, float]:
    """Right edges of the three columns of values."""
    return WIDTH - RIGHT + 112.0, WIDTH - RIGHT + 162.0, WIDTH - 14.0
