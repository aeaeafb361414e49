"""The monitor as a still picture: what a saved notebook, nbconvert and code hosting show.

The layout is the live one without controls, light theme. matplotlib is imported on first use, and never
through pyplot, so that drawing works in any thread and touches no figure of the user's.
"""

from __future__ import annotations

from typing import Any

from . import words
from .assets import light_tokens
from .picture_chart import BOTTOM, draw_chart, draw_legend
from .picture_filters import FiltersPanel
from .picture_head import draw_head
from .picture_layers import LayersPanel
from .picture_page import POINTS, WIDTH, Facts, Page
from .picture_png import blank, png
from .picture_rows import Opened

FOOT = 28


def draw(monitor: Any) -> bytes:
    """Picture of a monitor as PNG."""
    facts = Facts(monitor)
    panels = [
        panel for panel in (LayersPanel(facts, Opened.of(monitor)), FiltersPanel(facts)) if panel.height
    ]
    height = BOTTOM + sum(panel.height for panel in panels) + FOOT
    figure = blank(WIDTH, height)
    _fill(Page(figure, height), facts, panels)
    return png(figure, light_tokens()["bg"])


def _fill(page: Page, facts: Facts, panels: list[Any]) -> None:
    draw_head(page, facts)
    draw_chart(page, facts)
    draw_legend(page, facts)
    top: float = BOTTOM
    for panel in panels:
        panel.draw(page, top)
        top += panel.height
    _foot(page, facts, top)
    _frame(page)


def _foot(page: Page, facts: Facts, top: float) -> None:
    page.rule(top)
    grey = {"color": page.colours["ink-2"]}
    written = [flag["text"] for flag in facts.flags if flag["kind"] == "snapshot"]
    snapshot = f"   last snapshot {words.clip(written[-1], 60)}" if written else ""
    page.text(14, top + FOOT / 2, f"owlkit{snapshot}", 11, **grey)
    layers = f", {len(facts.layers)} layers with weights" if facts.layers else ""
    told = f"{words.integer(facts.figures['iter'])} iterations{layers}"
    page.text(WIDTH - 14, top + FOOT / 2, told, 11, ha="right", **grey)


def _frame(page: Page) -> None:
    from matplotlib.patches import FancyBboxPatch

    style = "round,pad=0,rounding_size=8"
    size = (WIDTH - 2, page.height - 2)
    page.canvas.add_patch(FancyBboxPatch((1, 1), *size, style, fc="none", ec="#0000001f", lw=POINTS))
