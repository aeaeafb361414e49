"""The figure of activations: the sibling of the live view, with its order, scale, colours and words.

Lengths are pixels at 100 dots per inch, from the top left corner.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from owlkit.inspection.channels import Channels
from owlkit.inspection.tiles import tile_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from owlkit.inspection.activations import Activations

# Light colours of widgets/js/src/tokens.css, which a test compares: the toolkit does not import its widgets.
INK, SOFT, LINE, WARN, BAD, FOCUS = "#1f2328", "#5f6368", "#e0e0e0", "#8a5f00", "#b23a00", "#1976d2"
PLUS, MINUS, BARS, VEIL = "#bc4b00", "#0072b2", "#6da3c4", 0.48
RATIO = ("#00507e", "#4796c4", "#c9deea", "#ebeef0", "#f4dcc6", "#e08a45", "#963200")
SIZE = ("#eef2f5", "#b9d0df", "#6da3c4", "#24719f", "#0a3f61")
OPACITY = 0.85

WIDTH, MARGIN, HEAD, FOOT = 1000, 16, 56, 30
LEFT, RIGHT = 608, 328  # widths of the grid and of the details
TALLEST, LARGEST, GAP = 520, 128, 4  # of the grid, of a tile, between tiles
BARS_HIGH, LISTED = 52, 7
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
COARSE = 4  # pixels for one of the image's, from which these are shown as they are
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def short(value: float) -> str:
    """Three significant digits; below 0.001 and from 100 000 on as 3.1 × 10⁻⁵."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Inf" if value > 0 else "\u2212Inf"
    if value == 0:
        return "0"
    text = f"{value:#.3g}".rstrip(".")
    if 1e3 <= abs(value) < 1e5:
        text = f"{float(text):,.0f}".replace(",", "\u202f")
    elif not 1e-3 <= abs(value) < 1e3:
        mantissa, _, power = f"{value:.1e}".partition("e")
        text = f"{mantissa} × 10{str(int(power)).translate(RAISED)}"
    return text.replace("-", "\u2212")


class ActivationsFigure:
    """Draws activations once; `figure` is what came of it."""

    def __init__(self, shown: Activations, channels: Channels) -> None:
        from matplotlib.figure import Figure

        self.shown, self.channels = shown, channels
        self.order = channels.ordered()[: shown.channels]
        self.columns, self.tile, tall = self._lie()
        self.grid_height = max(1, math.ceil(len(self.order) / self.columns)) * (tall + GAP)
        self.side = RIGHT / max(shown.image.shape[:2])
        right = 34 + shown.image.shape[0] * self.side + 190
        self.height = HEAD + max(self.grid_height + 40 + BARS_HIGH, right) + 24 + FOOT
        self.figure: Figure = Figure(figsize=(WIDTH / 100, self.height / 100), dpi=100, facecolor="white")
        self._head()
        self._grid()
        self._sorted(HEAD + self.grid_height + 26)
        self._detail()
        self._foot()

    # -- placing ---------------------------------------------------------------------------------------------

    def _lie(self) -> tuple[int, float, float]:
        """Columns, and width and height of a tile: the largest ones with which all fit."""
        count = max(1, len(self.order))
        rows, columns = self.channels.planes.shape[1:]
        for tile in range(LARGEST, 4, -2):
            across = max(1, (LEFT + GAP) // (tile + GAP))
            tall = tile * rows / columns
            if math.ceil(count / across) * (tall + GAP) <= TALLEST:
                break
        return min(across, count), tile, tall

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes without frame whose units are pixels, y downwards."""
        place = (
            left / WIDTH,
            1 - (top + height) / self.height,
            width / WIDTH,
            height / self.height,
        )
        axes = self.figure.add_axes(place)
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
        axes.axis("off")
        return axes

    def text(self, x: float, y: float, text: str, px: float = 12, **style: Any) -> None:
        """Text centred on y."""
        style = {"color": INK, "va": "center", **style}
        self.figure.text(x / WIDTH, 1 - y / self.height, text, fontsize=0.72 * px, **style)

    # -- parts -----------------------------------------------------------------------------------------------

    def _head(self) -> None:
        c, wide = self.channels, self.channels.flat_size > 1
        count, rows, columns = c.planes.shape
        what = f"{count} channels, {rows} × {columns}" if wide else f"{count} units"
        if len(self.order) < count:
            what += f"; {len(self.order)} shown"
        self.text(MARGIN, 18, self.shown.layer, 15, weight="bold")
        self.text(MARGIN, 38, ", ".join(filter(None, (self.shown.type, what))), color=SOFT)
        told = [("largest", short(float(c.highs.max()))), ("zero", f"{100 * c.zeros:.1f} % of values")]
        told += [("dead here", str(len(c.dead)))] if wide else []
        for k, (name, value) in enumerate(reversed(told)):
            self.text(WIDTH - MARGIN - 130 * k, 18, name, 11, color=SOFT, ha="right")
            self.text(WIDTH - MARGIN - 130 * k, 38, value, 13, weight="bold", ha="right")

    def _colours(self, shares: np.ndarray) -> np.ndarray:
        """(..., 4) on the ramp: around 0 where there are negative values."""
        from matplotlib.colors import LinearSegmentedColormap

        signed = self.channels.signed
        ramp = LinearSegmentedColormap.from_list("channels", RATIO if signed else SIZE)
        return np.asarray(ramp((shares + 1) / 2 if signed else shares))

    def _grid(self) -> None:
        from matplotlib.patches import Rectangle

        if not self.order:
            return self.text(MARGIN, HEAD + 12, "Every channel has a positive value somewhere.", color=SOFT)
        rows, columns = self.channels.planes.shape[1:]
        zoom = max(1, round(2 * self.tile / columns))  # so that a gap is a whole number of pixels
        gap = max(1, round(GAP * columns * zoom / self.tile))
        planes = np.stack([self._colours(self.channels.shares(c)) for c in self.order])[..., :3]
        planes = planes.repeat(zoom, 1).repeat(zoom, 2)
        width, high = columns * zoom + gap, rows * zoom + gap
        image = tile_grid(planes, gap=gap, columns=self.columns, fill=1.0)
        scale = (self.tile + GAP) / width
        axes = self.axes(MARGIN, HEAD, LEFT, self.grid_height)
        look: Any = {"interpolation": "nearest" if self.tile > columns else "antialiased", "aspect": "auto"}
        axes.imshow(image, extent=(0, image.shape[1] * scale, image.shape[0] * scale, 0), **look)
        axes.set(xlim=(-2, LEFT), ylim=(self.grid_height, -2))
        for k, channel in enumerate(self.order):
            x, y = k % self.columns * width * scale, k // self.columns * high * scale
            size = columns * zoom * scale, rows * zoom * scale
            if channel in self.channels.marked:
                broken = channel in self.channels.broken
                look = {"hatch": "////", "ec": BAD} if broken else {"ls": (0, (3, 2)), "ec": WARN}
                axes.add_patch(Rectangle((x, y), *size, fc="none", lw=0.9, **look))
            if channel == self.channels.selected:
                axes.add_patch(Rectangle((x, y), *size, fc="none", ec=FOCUS, lw=1.6, clip_on=False))
        return None

    def _sorted(self, y: float) -> None:
        c = self.channels
        self.text(MARGIN, y, "Largest values, sorted", 12, weight="bold")
        own = c.view.scale == "own" and c.flat_size > 1
        high = "its own largest" if own else short(c.most)
        low = ("\u2212its largest" if own else short(-c.most)) if c.signed else "0"
        self.text(MARGIN + LEFT, y, high, 11, color=SOFT, ha="right")
        left = MARGIN + LEFT - 5.4 * len(high) - 76
        ramp = self.axes(left, y - 5, 64, 10)
        line = np.linspace(-1 if c.signed else 0, 1, 128)[None]
        ramp.imshow(self._colours(line), extent=(0, 64, 10, 0), aspect="auto")
        self.text(left - 6, y, low, 11, color=SOFT, ha="right")
        ranking = c.ranking()
        heights = np.maximum(c.highs[ranking], 0) / (max(float(c.highs.max()), 0) or 1.0)
        width = min(LEFT, 26 * len(ranking))
        bars = self.axes(MARGIN, y + 12, width, BARS_HIGH)
        step = width / len(ranking)
        colours = [FOCUS if channel == c.selected else BARS for channel in ranking]
        wide = step - 1 if step > 3 else step
        places = step * (np.arange(len(ranking)) + 0.5)
        bars.bar(places, -heights * BARS_HIGH, wide, BARS_HIGH, color=colours)

    def _detail(self) -> None:
        left = WIDTH - MARGIN - RIGHT
        name = self._called(self.channels.selected)
        self.text(left, HEAD + 10, name, 14, weight="bold")
        bottom = self._photo(left, HEAD + 26)
        if self.channels.flat_size == 1:
            return self._strongest(left, bottom + 20)
        self.text(left, bottom + 14, "boxed: what it sees where it answers most", 11, color=SOFT)
        self._numbers(left, bottom + 42)
        return None

    def _called(self, channel: int) -> str:
        labels = self.shown.labels
        named = labels is not None and len(labels) == len(self.channels.planes)
        return f"{labels[channel]} · #{channel}" if named and labels is not None else f"#{channel}"

    def _photo(self, left: float, top: float) -> float:
        """The image with the channel over it; where it ends."""
        image = self.shown.image
        height, width = image.shape[:2]
        axes = self.axes(left, top, width * self.side, height * self.side)
        axes.set(xlim=(0, width), ylim=(height, 0))
        flat = self.channels.flat_size == 1
        grey = image if image.ndim == 2 else image @ np.array(LUMA)
        seen = image if flat else grey + VEIL * (255 - grey)
        look: Any = {} if seen.ndim == 3 else {"cmap": "gray", "vmin": 0, "vmax": 255}
        look["interpolation"] = "nearest" if self.side >= COARSE else "antialiased"
        axes.imshow(seen, extent=(0, width, height, 0), **look)
        if not flat:
            self._lay_over(axes, height, width)
        axes.set(xlim=(0, width), ylim=(height, 0))
        return top + height * self.side

    def _lay_over(self, axes: Any, height: int, width: int) -> None:
        from matplotlib.colors import to_rgb
        from matplotlib.patches import Rectangle

        shares = self.channels.shares(self.channels.selected)
        tint = np.where(shares[..., None] < 0, to_rgb(MINUS), to_rgb(PLUS))
        over = np.concatenate([tint, OPACITY * np.abs(shares)[..., None]], -1)
        sees = self.shown.sees
        frame = sees.frame(shares.shape) if sees is not None else (0, 0, height, width)
        axes.imshow(
            over, extent=(frame[1], frame[3], frame[2], frame[0]), interpolation="nearest", aspect="auto"
        )
        if sees is not None:
            top, left, bottom, right = sees.box(*self._place(), (height, width))
            for colour, line in (("white", 2.6), (INK, 1.1)):
                box = Rectangle((left, top), right - left, bottom - top, fc="none", ec=colour, lw=line)
                axes.add_patch(box)

    def _place(self) -> tuple[int, int]:
        plane = self.channels.planes[self.channels.selected]
        row, column = np.unravel_index(int(plane.argmax()), plane.shape)
        return int(row), int(column)

    def _numbers(self, left: float, y: float) -> None:
        c, one = self.channels, self.channels.selected
        plane, sees = c.planes[one], self.shown.sees
        rank = c.ranking().index(one) + 1
        told = [
            ("largest", short(float(c.highs[one]))), ("at", ", ".join(map(str, self._place()))),
            ("mean", short(float(c.means[one]))), ("rank", f"{rank} of {len(c.planes)}"),
            ("zero", f"{100 * float((plane == 0).mean()):.1f} %"),
            ("sees", str(sees).split(",")[0].replace("x", " × ") if sees is not None else "–"),
        ]  # fmt: skip
        half = RIGHT / 2
        for k, (name, value) in enumerate(told):
            x, line = left + k % 2 * (half + 8), y + k // 2 * 22
            self.text(x, line, name, color=SOFT)
            self.text(x + half - 8, line, value, ha="right")
        self._histogram(left, y + 74, plane)

    def _histogram(self, left: float, y: float, plane: np.ndarray) -> None:
        low, high = float(plane.min()), float(plane.max())
        counts, _ = np.histogram(plane, 29, (low, high if high > low else low + 1))
        heights = np.sqrt(counts / max(counts.max(), 1)) * 44
        step = RIGHT / len(counts)
        axes = self.axes(left, y - 14, RIGHT, 44)
        axes.bar(step * (np.arange(len(counts)) + 0.5), -heights, step - 1, 44, color=BARS)
        for x, text, side in ((0, short(low), "left"), (0.5, "values", "center"), (1, short(high), "right")):
            self.text(left + x * RIGHT, y + 42, text, 11, color=SOFT, ha=side)

    def _strongest(self, left: float, y: float) -> None:
        """Of what has no plane there is nothing to lay over the image: instead, who answers most."""
        self.text(left, y, "Strongest units", 12, weight="bold")
        c = self.channels
        for k, unit in enumerate(c.ranking()[:LISTED]):
            line = y + 24 + 20 * k
            name = self._called(unit).rpartition(" · ")[0] or f"unit {unit}"
            self.text(left, line, name if len(name) <= 20 else name[:19] + "…", 11)
            share = max(0.0, float(c.highs[unit])) / c.most
            bar = self.axes(left + 150, line - 3, 110, 6)
            bar.barh([3, 3], [110, 110 * share], 6, color=[SIZE[0], BARS])
            self.text(left + RIGHT, line, short(float(c.highs[unit])), 11, ha="right")

    def _foot(self) -> None:
        y = self.height - FOOT / 2
        rule = self.axes(0, self.height - FOOT, WIDTH, 1)
        rule.axhline(0.5, color=LINE, lw=0.8)
        size = " × ".join(map(str, self.shown.image.shape[:2]))
        self.text(MARGIN, y, f"{self.shown.about}, as the net got it: {size}", 11, color=SOFT)
        self.text(WIDTH - MARGIN, y, "net in test phase, one image", 11, color=SOFT, ha="right")
