"""The monitor as a still picture: what a saved notebook, nbconvert and code hosting show.

The layout is the live one without controls, light theme. matplotlib is imported on first use, and never
through pyplot, so that drawing works in any thread and touches no figure of the user's.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import words
from .assets import light_tokens
from .picture_chart import BOTTOM, draw_chart, draw_legend
from .picture_filters import FiltersPanel
from .picture_head import draw_head
from .picture_layers import LayersPanel
from .picture_page import POINTS, SCALE, WIDTH, Facts, Page
from .picture_rows import Opened

FOOT = 28
FONTS = ["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"]


def draw(monitor: Any, file_format: str = "png") -> bytes:
    """Picture of a monitor as PNG or SVG bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    facts = Facts(monitor)
    panels = [
        panel for panel in (LayersPanel(facts, Opened.of(monitor)), FiltersPanel(facts)) if panel.height
    ]
    height = BOTTOM + sum(panel.height for panel in panels) + FOOT
    with settings({"font.family": _fonts(), "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH / 100, height / 100), dpi=100 * SCALE)
        FigureCanvasAgg(figure)
        _fill(Page(figure, height), facts, panels)
        out = io.BytesIO()
        figure.savefig(out, format=file_format, facecolor=light_tokens()["bg"])
    return _few_colours(out) if file_format == "png" else out.getvalue()


_turn = threading.Lock()  # whose settings they are: matplotlib has one set for all threads


@contextmanager
def settings(chosen: dict[str, Any]) -> Iterator[None]:
    """Meanwhile matplotlib has these; one picture is drawn at a time, and they alone are put back.

    Two that overlap would leave the second with the first one's. And matplotlib's own `rc_context` puts all
    of them back, also what a cell has set since.
    """
    import matplotlib

    present: Any = matplotlib.rcParams
    with _turn:
        before = {name: present[name] for name in chosen}
        present.update(chosen)
        try:
            yield
        finally:
            present.update(before)


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


def warm_up() -> None:
    """Import what `draw` needs and look up the fonts."""
    _fonts()


def _few_colours(png: io.BytesIO) -> bytes:
    """The same PNG with a palette: a third of the bytes, which a notebook carries for good."""
    from PIL import Image

    out = io.BytesIO()
    image = Image.open(png).convert("RGB")
    palette = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    _keep_background(image, palette)
    palette.save(out, "png", optimize=True)
    return out.getvalue()


def _keep_background(image: Any, palette: Any) -> None:
    """The background exactly as it was: the palette is off by one where most of the page lies."""
    at, colours = palette.getpixel((0, 0)), palette.getpalette()
    colours[3 * at : 3 * at + 3] = image.getpixel((0, 0))
    palette.putpalette(colours)


def _fonts() -> list[str]:
    """Those of FONTS that are installed: matplotlib warns of every other one."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in FONTS if name in installed] or ["sans-serif"]
