"""The page that the still picture is drawn on: what of a run it shows, where things lie, text and boxes.

Coordinates are those of the design: pixels of a page 1100 wide, y downwards, drawn at twice that resolution.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .assets import light_tokens
from .outputs import FURTHER
from .picture_overlay import Behind
from .picture_past import Past
from .picture_png import PLAIN, SCALE, fonts, plain
from .points import smooth

WIDTH = 1100
LEFT, RIGHT = 88, 252
PLOT_WIDTH = WIDTH - LEFT - RIGHT
POINTS = 0.72
"""Points per pixel at 100 dots per inch, in which matplotlib wants sizes of text and lines."""


class Facts:
    """What of a monitor goes into its picture, taken at one moment."""

    def __init__(self, monitor: Any) -> None:
        recorder = monitor.recorder
        with recorder.lock:
            self.state, self.problem = recorder.state, recorder.problem
            self.figures = recorder.figures()
            self.points = recorder.points.columns()
            self.tests, self.flags = list(recorder.tests), list(recorder.flags)
            branches = list(recorder.branches)
        panels = monitor.panels
        with panels.lock:
            self.layers, self.filters = panels.describe()["layers"], panels.describe()["filters"]
            self.health, self.norms = panels.health, panels.norms.columns()
            self.frame = panels.film.frames[-1] if panels.film.frames else None
        self.name = monitor.run["name"]
        self.log = bool(monitor.view.get("log"))
        keep = float(monitor.view.get("smoothing", 0.9))
        self.smoothed = smooth(self.points["iter"], self.points["mean"], keep, self.figures["max_iter"])
        limit = self.figures["max_iter"]
        self.past = Past(branches, self.points, self.smoothed, keep, limit)
        self.behind = [Behind(subject, keep, limit) for subject in monitor.overlay.behind]
        parts = [*branches, *(branch for run in self.behind for branch in run.past.branches)]
        reach = [self.figures["iter"], *(branch.reached for branch in parts)]
        reach += [*(run.iters[-1] for run in self.behind if len(run.iters))]
        self.end = max(float(max(reach)) * 1.025, 2.0)

    @property
    def pasts(self) -> list[Past]:
        """What each run has given up, the one in front first."""
        return [self.past, *(run.past for run in self.behind)]

    @property
    def test_nets(self) -> list[int]:
        """Numbers of the test nets, at least the first."""
        return sorted({0, *(row["net"] for row in self.tests)})

    def test_label(self, net: int, what: str) -> str:
        """ "test loss" or "accuracy %", with the names of net and output where there are several.

        The rule is that of js/src/testnets.js.
        """
        names = {row["net"]: row["name"] for row in self.tests if "name" in row and row["net"] < FURTHER}
        own, top = names.get(net % FURTHER), self._top(net)
        unique = bool(own) and list(names.values()).count(own) == 1
        several = len([n for n in self.test_nets if n < FURTHER]) > 1
        label = (own if unique else f"#{net % FURTHER}") if several else ""
        measured = "test loss" if what == "loss" else f"{top} %" if top else "accuracy %"
        return f"{measured} {label}".strip()

    def _top(self, net: int) -> str:
        return next((row["top"] for row in self.tests if row["net"] == net and "top" in row), "")

    def tested(self, what: str, net: int = 0) -> list[tuple[int, float]]:
        """(iteration, value) of the "loss" or "accuracy" of a test net, where it is known."""
        return [(t["iter"], t[what]) for t in self.tests if t["net"] == net and t[what] is not None]


class Page:
    """An empty page of a height; axes, text and boxes are placed on it by pixels."""

    def __init__(self, figure: Any, height: float) -> None:
        self.figure, self.height = figure, height
        self.fonts = fonts()
        self.colours = light_tokens()
        self.canvas = self.axes(0, 0, WIDTH, height)
        self.canvas.set(xlim=(0, WIDTH), ylim=(height, 0))
        self.canvas.axis("off")

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes over a part of the page."""
        bottom = self.height - top - height
        place = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        return plain(self.figure.add_axes(place, facecolor="none"))

    def pixel_axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes without frame whose units are pixels, y downwards."""
        axes = self.axes(left, top, width, height)
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
        axes.axis("off")
        return axes

    def text(self, x: float, y: float, text: str, px: float = 12, **style: Any) -> Any:
        """Text centred on y; left aligned unless `ha` says otherwise."""
        style = {"color": self.colours["ink"], "va": "center", "family": self.fonts, **PLAIN, **style}
        return self.canvas.text(x, y, text, fontsize=px * POINTS, parse_math=False, **style)

    def box(self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0) -> None:
        """Filled box with round corners."""
        from matplotlib.patches import FancyBboxPatch, Rectangle

        look: Any = {"fc": colour, "ec": "none"}
        style = f"round,pad=0,rounding_size={radius}"
        round_box = FancyBboxPatch((x, y), width, height, style, **look) if radius else None
        self.canvas.add_patch(round_box or Rectangle((x, y), width, height, **look))

    def rule(self, y: float) -> None:
        """Hairline across the page."""
        self.canvas.plot([1, WIDTH - 1], [y, y], color="#0000001f", lw=POINTS)

    def width_of(self, text: Any) -> float:
        """Width of a drawn text in pixels."""
        return float(text.get_window_extent(self.figure.canvas.get_renderer()).width) / SCALE

    def chips(self, x: float, y: float, chips: list[tuple[str, str, str]]) -> float:
        """Words in coloured pills from x on, (text, ink token, background token); where they end."""
        for text, ink, background in chips:
            label = self.text(x + 8, y, text, 11, color=self.colours[ink], zorder=3)
            wide = self.width_of(label) + 16
            self.box(x, y - 10, wide, 20, self.colours[background], radius=10)
            x += wide + 8
        return x


@lru_cache(maxsize=4096)
def fits_gutter(text: str) -> bool:
    """Whether a bold text of 12 pixels fits the left gutter.

    From the outline's points, among which a font has its extremes; looking for them along every curve takes
    a deep net's names seconds.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    outline = TextPath(
        (0, 0), text, size=12, prop=FontProperties(family=fonts(), style="normal", weight="bold")
    )
    across = outline.vertices[outline.codes != outline.CLOSEPOLY, 0]
    return not len(across) or float(np.ptp(across)) <= LEFT - 14


def latest(values: Any) -> float | None:
    """The last of some values, None where there are none."""
    return float(values[-1]) if len(values) else None
