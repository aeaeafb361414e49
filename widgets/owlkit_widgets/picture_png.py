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
LINE: dict[str, Any] = {"color": "black", "linestyle": "-", "marker": "None", "fillstyle": "full"}
"""What a line is that `plot` draws, and its marks are, where nothing else is said."""

IMAGE: dict[str, Any] = {"aspect": "auto", "origin": "upper", "interpolation": "nearest", "resample": True}
"""How `imshow` puts pixels where it is told to."""


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

    figure = Figure(figsize=(width / 100, height / 100), dpi=100 * SCALE, frameon=True)
    figure.set_layout_engine("none")  # a cell's may be moved about: ours lies where it is put
    FigureCanvasAgg(figure)
    return figure


def dashes(width: float, *pattern: float) -> list[float]:
    """Dashes and gaps, in widths of the line, as `plot` takes them: matplotlib scales them where it is to."""
    from matplotlib import rcParams

    return [(1.0 if rcParams["lines.scale_dashes"] else width) * each for each in pattern]


def plain(axes: Any) -> Any:
    """Axes whose lines are as LINE says, not as a cell's are in turn."""
    axes.set_prop_cycle(**{name: [value] for name, value in LINE.items()})
    return axes


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
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    boxes = [text.get_bbox_patch() for text in figure.findobj(Text)]
    for artist in (*figure.findobj(), *filter(None, boxes)):
        artist.set(sketch_params=None, path_effects=[])
        if hasattr(artist, "set_antialiased"):
            artist.set_antialiased(True)
    for line in figure.findobj(Line2D):
        line.set(solid_capstyle="projecting", dash_capstyle="butt")
        line.set(solid_joinstyle="round", dash_joinstyle="round")
    for patch in figure.findobj(Patch):
        for name, value in {"hatchcolor": patch.get_edgecolor(), "hatch_linewidth": 1.0}.items():
            if hasattr(patch, f"set_{name}"):  # matplotlib 3.10 and 3.11 were the first
                patch.set(**{name: value})
    for axes in figure.axes:
        for label in axes.get_xticklabels():
            label.set(horizontalalignment="center", **PLAIN)
        for label in axes.get_yticklabels():
            label.set(verticalalignment="center_baseline", **PLAIN)


def _keep_background(image: Any, palette: Any) -> None:
    """The background exactly as it was: the palette is off by one where most of the page lies."""
    at, colours = palette.getpixel((0, 0)), palette.getpalette()
    colours[3 * at : 3 * at + 3] = image.getpixel((0, 0))
    palette.putpalette(colours)
