"""All layers of a deep net in the still picture: strips by stage, a lens, a profile over depth.

The rules are those of js/src/layers-map.js; where the live panel follows the pointer, this shows the layer in
the middle and the latest values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import words
from .judgement import FROZEN, HOT
from .layer_names import shorten
from .picture_page import LEFT, PLOT_WIDTH, POINTS, RIGHT, WIDTH, Page
from .picture_strips import Columns, paint_curve, paint_fixed, paint_ratios

ROOM = 312  # pixels for the strips
ABOVE, BELOW = 20, 16
LENS = 18
STAGE = 10  # characters of its name
PROFILE = 150  # width
VALUES = WIDTH - RIGHT + 76  # right edge of medians and of the lens' value


def stages(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Neighbouring layers of one stage: (name, from, to)."""
    found: list[tuple[str, int, int]] = []
    for i, name in enumerate(names):
        numbered = re.match(r"[A-Za-z]+_?\d+", name)
        stage = numbered[0] if numbered else re.split(r"[._/]", name)[0]
        if found and found[-1][0] == stage:
            found[-1] = (stage, found[-1][1], i + 1)
        else:
            found.append((stage, i, i + 1))
    return found


class LayersMap:
    """names : of all layers. ratios : (samples, layers) of log10 of update : weight.

    fixed : numbers of the layers that do not learn; their ratios are NaN.
    """

    def __init__(self, names: Sequence[str], ratios: NDArray[Any], fixed: frozenset[int]) -> None:
        self.names, self.ratios, self.fixed = names, ratios, fixed
        self.each = max(2, min(6, ROOM // max(1, len(names))))

    @property
    def height(self) -> float:
        return ABOVE + self.each * len(self.names) + BELOW

    def draw(
        self,
        page: Page,
        body: Any,
        columns: Columns,
        top: float,
        y: float,
        flags: dict[int, str],
        short: Mapping[str, str],
    ) -> None:
        """Paint at y of `body`, which begins at `top` of the page.

        columns : of the samples. flags : number of a layer -> token. short : what is written of each name.
        """
        y += ABOVE
        paint_ratios(page, body, columns.of(self.ratios), y, self.each * len(self.names))
        middle = len(self.names) // 2
        self._stages(page, top + y, middle)
        self._lens(page, body, columns, top, y, middle, short[self.names[middle]])
        self._profile(page, top + y, flags)

    def _stages(self, page: Page, y: float, lens: int) -> None:
        free, found = -np.inf, stages(self.names)
        kept = y + (lens + 0.5) * self.each
        for i, (name, first, last) in enumerate(found):
            a, tall = y + first * self.each, (last - first) * self.each
            if tall > 12:
                page.canvas.plot([LEFT - 6] * 2, [a, a + tall - 1], color=page.colours["ink-2"], lw=POINTS)
            # The first and the last layer are often stages of their own: their names stand off the map.
            off = 0 if tall > 12 else -6 if i == 0 else 6 if i == len(found) - 1 else 0
            at = (a + 8 if tall > 60 else a + tall / 2) + off
            if at - 7 < free or abs(at - kept) < LENS:
                continue
            free = at + 7
            self._stage(page, at, name, first, last)

    def _stage(self, page: Page, y: float, name: str, first: int, last: int) -> None:
        grey = {"color": page.colours["ink-2"], "ha": "right"}
        count = page.text(LEFT - 12, y, f" {last - first}", 11, **grey) if last - first > 1 else None
        right = LEFT - 12 - (page.width_of(count) + 4 if count is not None else 0)
        page.text(right, y, shorten(name, lambda text: len(text) <= STAGE), 11, ha="right")
        if count is not None:
            median = _median(self.ratios[-1, first:last])
            page.text(VALUES, y, words.log_ratio(median), 11, **grey)

    def _lens(
        self, page: Page, body: Any, columns: Columns, top: float, y: float, layer: int, name: str
    ) -> None:
        from matplotlib.patches import Rectangle

        middle = y + (layer + 0.5) * self.each
        low = middle - LENS / 2
        body.add_patch(
            Rectangle((0, low - 3), PLOT_WIDTH, LENS + 6, fc=page.colours["bg"], ec="none", zorder=2)
        )
        inner = page.pixel_axes(LEFT, top + low, PLOT_WIDTH, LENS)
        ratios = self.ratios[:, layer]
        if layer in self.fixed:
            paint_fixed(page, inner, 0, LENS)
        else:
            found = columns.of(ratios[:, None])
            paint_ratios(page, inner, found, 0, LENS)
            paint_curve(page, inner, found[0], 0, LENS)
        frame = Rectangle((0, 0), PLOT_WIDTH, LENS, fc="none", ec=page.colours["ink"], lw=2 * POINTS)
        inner.add_patch(frame)
        page.text(LEFT - 10, top + middle, name, 11, ha="right", weight="bold")
        told = "fixed" if layer in self.fixed else words.log_ratio(float(ratios[-1]))
        page.text(VALUES, top + middle, told, 11, ha="right", weight="bold")

    def _profile(self, page: Page, y: float, flags: dict[int, str]) -> None:
        """The latest ratio of every layer, over depth."""
        tall = self.each * len(self.names)
        left = WIDTH - 14 - PROFILE
        axes = page.pixel_axes(left, y, PROFILE, tall)
        x = 4 + (np.clip(self.ratios[-1], -6, 0) + 6) / 6 * (PROFILE - 8)
        x_of = {value: 4 + (value + 6) / 6 * (PROFILE - 8) for value in (-6, -3, 0, FROZEN, HOT)}
        axes.axvspan(
            x_of[FROZEN], x_of[HOT], color=page.colours["bg-sunk"], lw=0
        )  # softer would be lost with the palette
        grey = {"color": page.colours["ink-2"], "ha": "center"}
        for value, shift in ((-6, 4), (-3, 0), (0, -2)):
            axes.axvline(x_of[value], color="#00000011", lw=POINTS, ls="-", marker="")
            page.text(left + x_of[value] + shift, y + tall + 9, f"{value}".replace("-", "−"), 11, **grey)
        page.text(left + (x_of[FROZEN] + x_of[HOT]) / 2, y - 9, "healthy", 11, **grey)
        depth = (np.arange(len(x)) + 0.5) * self.each
        calm = np.array([i not in flags for i in range(len(x))]) & np.isfinite(x)
        axes.scatter(x[calm], depth[calm], s=3, marker="_", color=page.colours["ink-2"], lw=1)
        for layer, token in flags.items():
            if np.isfinite(x[layer]):
                axes.scatter(x[layer], depth[layer], s=18, color=page.colours[token], lw=0, clip_on=False)


def _median(values: NDArray[Any]) -> float:
    known = np.sort(values[np.isfinite(values)])
    return float(known[len(known) // 2]) if len(known) else float("nan")
