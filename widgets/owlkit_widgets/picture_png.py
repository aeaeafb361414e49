"""What all still pictures have in common: a figure in pixels, their font, and how they become a PNG.

Nothing here changes matplotlib's settings, of which there is one set for all threads: pictures are drawn in
the background, and a cell that makes a figure meanwhile would get their font. So each text is given it; and
what a style of the cell's would change (a dark ground, a grid, the margins) is said of each part, too.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

SCALE = 2
"""Pixels of the PNG per pixel of the design."""
FONTS = ["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"]

PLAIN: dict[str, Any] = {"weight": "normal", "style": "normal", "usetex": False}
"""What a text is that is nothing else. TeX, where a cell's figures use it, may not be there, or stumble."""


@lru_cache(maxsize=1)
def fonts() -> tuple[str, ...]:
    """Those of FONTS that are installed: matplotlib warns of every other one."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in FONTS if name in installed) or ("sans-serif",)


def warm_up() -> None:
    """Import what drawing needs and look up the fonts."""
    fonts()


def blank(width: float, height: float) -> Any:
    """A figure of so many pixels that is never pyplot's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100 * SCALE)
    figure.set_layout_engine("none")  # a cell's may be moved about: ours lies where it is put
    FigureCanvasAgg(figure)
    return figure


def png(figure: Any, background: str) -> bytes:
    """A figure as PNG with a palette: a third of the bytes, which a notebook carries for good."""
    from PIL import Image

    _take_no_style(figure)
    drawn, out = io.BytesIO(), io.BytesIO()
    whole = {"bbox_inches": figure.bbox_inches, "pad_inches": 0, "transparent": False}
    figure.savefig(drawn, format="png", dpi=figure.dpi, facecolor=background, edgecolor="none", **whole)
    image = Image.open(drawn).convert("RGB")
    palette = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    _keep_background(image, palette)
    palette.save(out, "png", optimize=True)
    return out.getvalue()


def _take_no_style(figure: Any) -> None:
    """Undo what artists took from matplotlib's settings and nobody here says: ends of lines, sketches."""
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    boxes = [text.get_bbox_patch() for text in figure.findobj(Text)]
    for artist in (*figure.findobj(), *filter(None, boxes)):
        artist.set(sketch_params=None, path_effects=[])
    for line in figure.findobj(Line2D):
        line.set(solid_capstyle="projecting", dash_capstyle="butt", antialiased=True)
    for axes in figure.axes:
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set(**PLAIN)


def _keep_background(image: Any, palette: Any) -> None:
    """The background exactly as it was: the palette is off by one where most of the page lies."""
    at, colours = palette.getpixel((0, 0)), palette.getpalette()
    colours[3 * at : 3 * at + 3] = image.getpixel((0, 0))
    palette.putpalette(colours)
