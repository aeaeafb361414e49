"""A gradient check as a still picture: what a saved notebook, nbconvert and code hosting show.

The layout is the live one without controls, light theme, in pixels of a page 1100 wide, drawn at twice that
resolution. matplotlib is imported on first use, and never through pyplot.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import gradient_cells as cells
from . import words
from .assets import light_tokens
from .picture_png import PLAIN, blank, fonts, plain, png

WIDTH = 1100
HEAD, TITLES, ROW, FOOT = 57, 26, 48, 34
MAP_LEFT, MAP_WIDTH, MAP_HEIGHT = 220, 430, 32
COLUMNS = {"checked": 730, "worst": 815, "median": 905, "kinks": 960}
VERDICT = 980
MOST_ROWS = 24
FIRST = {"wrong": 0, "unasked": 1}  # where not all are shown
NOTE_LINES = 6
VERDICTS = {
    "passes": ("✓ passes", "ok"),
    "wrong": ("✕ wrong", "bad"),
    "unasked": ("! unasked", "warn"),
    "known": ("≈ as in Caffe", "warn"),
    "kinks": ("^ only kinks", "ink-2"),
    "waits": ("not checked", "ink-2"),
}


def draw(report: Any) -> bytes:
    """PNG of a report."""
    page = _Page(report)
    figure = blank(WIDTH, page.height)
    page.draw(figure)
    return png(figure, page.colours["bg"])


class _Page:
    """Coordinates are pixels from the top left."""

    def __init__(self, report: Any) -> None:
        self.report, self.colours = report, light_tokens()
        rows = report.rows
        if len(rows) > MOST_ROWS:  # what is wrong comes first, in the net's order
            chosen = sorted(range(len(rows)), key=lambda i: (FIRST.get(rows[i].verdict, 2), i))[:MOST_ROWS]
            rows = [rows[i] for i in sorted(chosen)]
        self.rows, self.left_out = rows, len(report.rows) - len(rows)
        self.found, self.notes = _notes(report, self.left_out)
        self.height = HEAD + TITLES + ROW * max(1, len(rows)) + 18 * len(self.notes) + 14 + FOOT

    def draw(self, figure: Any) -> None:
        self.axes = plain(figure.add_axes((0, 0, 1, 1)))
        self.axes.set(xlim=(0, WIDTH), ylim=(self.height, 0))
        self.axes.axis("off")
        self._frame()
        self._header()
        self._titles()
        for i, row in enumerate(self.rows):
            self._row(HEAD + TITLES + ROW * i, row)
        y = HEAD + TITLES + ROW * max(1, len(self.rows)) + 8
        for i, note in enumerate(self.notes):
            self._text(
                12,
                y + 18 * i + 9,
                words.clip(note, 175),
                11,
                color="bad" if i < self.found else "ink-2",
            )
        self._foot()

    def _text(self, x: float, y: float, text: str, px: float = 12, color: str = "ink", **style: Any) -> None:
        style = {"va": "center", "ha": "left", "family": fonts()} | PLAIN | style
        size = px * 72 / 100
        self.axes.text(x, y, text, fontsize=size, color=self.colours[color], parse_math=False, **style)

    def _line(self, y: float, color: str = "bg-sunk") -> None:
        self.axes.plot([1, WIDTH - 1], [y, y], color=self.colours[color], linewidth=0.72)

    def _frame(self) -> None:
        from matplotlib.patches import FancyBboxPatch

        box = FancyBboxPatch(
            (1, 1), WIDTH - 2, self.height - 2, boxstyle="round,pad=0,rounding_size=8", fill=False
        )
        box.set(edgecolor=self.colours["bg-sunk"], linewidth=0.72)
        self.axes.add_patch(box)

    def _header(self) -> None:
        report = self.report
        wrong, unasked = len(report.wrong), len(report.unasked)
        state, back, ink = "✓ All pass", "ok-bg", "ok"
        if not report.ok:
            state, back, ink = f"✕ {wrong} wrong" if wrong else "✕ Loss wrong", "bad-bg", "bad"
            if not wrong and not report.loss_is_wrong:
                state, back, ink = f"! {unasked} unasked", "warn-bg", "warn"
        elif report.interrupted or not report.rows:
            state, back, ink = "Interrupted" if report.interrupted else "Nothing to check", "bg-sunk", "ink"
        style = {
            "boxstyle": "round,pad=0.35,rounding_size=0.9",
            "facecolor": self.colours[back],
            "linewidth": 0,
        }
        self._text(22, HEAD / 2, state, 12, ink, weight=700, bbox=style)
        self._text(40 + 7.4 * len(state), HEAD / 2, words.clip(report.name, 40), 15, weight=700)
        elements = words.integer(sum(row.done for row in report.rows))
        seconds = f"{report.seconds:.2f}\u202fs" if report.seconds < 1 else words.duration(report.seconds)
        figures = [("elements", elements), ("took", seconds), ("step", words.rate(report.settings.step))]
        figures += [("tolerance", words.rate(report.settings.tolerance)), ("precision", "float64")]
        for i, (key, value) in enumerate(figures):
            x = WIDTH - 92 * (len(figures) - i)
            self._text(x, 19, key, 11, "ink-2")
            self._text(x, 37, value, 14, weight=700)
        self._line(HEAD)

    def _titles(self) -> None:
        y = HEAD + TITLES / 2
        self._text(12, y, "blob", 11, "ink-2")
        self._text(MAP_LEFT, y, "elements, in memory order", 11, "ink-2")
        for name, x in COLUMNS.items():
            self._text(x, y, name, 11, "ink-2", ha="right")
        self._text(VERDICT, y, "verdict", 11, "ink-2")
        if not self.rows:
            self._text(12, HEAD + TITLES + ROW / 2, "no layer has a gradient", color="ink-2")

    def _row(self, top: float, row: Any) -> None:
        self._line(top)
        middle = top + ROW / 2
        self._text(12, middle - 8, words.clip(f"{row.layer} {row.slot.label}", 28), weight=400)
        self._text(12, middle + 9, "×".join(map(str, row.shape)) or "scalar", 11, "ink-2")
        self._map(top + (ROW - MAP_HEIGHT) / 2, row)
        self._text(COLUMNS["checked"], middle - 8, words.integer(row.done), ha="right")
        self._text(COLUMNS["checked"], middle + 9, f"of {words.integer(row.count)}", 11, "ink-2", ha="right")
        worst = "–" if row.worst is None else _error(row.worst.error)
        bad = row.verdict == "wrong" and row.wrong_elements
        style: dict[str, Any] = {"weight": 700, "color": "bad"} if bad else {}
        self._text(COLUMNS["worst"], middle, worst, ha="right", **style)
        median = "–" if row.worst is None else _error(row.median)
        self._text(COLUMNS["median"], middle, median, color="ink-2", ha="right")
        self._text(
            COLUMNS["kinks"], middle, words.integer(row.kinks) if row.done else "–", color="ink-2", ha="right"
        )
        text, color = VERDICTS[row.verdict]
        self._text(VERDICT, middle, text, color=color, weight=400)

    def _map(self, top: float, row: Any) -> None:
        codes = cells.codes(row, True)
        n = codes.size
        if not n:
            return
        high = min(n, 5 if n <= 20 else 6 if n <= 500 else 8)
        each = max(1, math.ceil(n / (high * (MAP_WIDTH // 2))))
        padded = np.zeros(math.ceil(n / (each * high)) * high * each, np.uint8)
        padded[:n] = codes
        shown = padded.reshape(-1, each).max(1).reshape(-1, high)  # the worst of a cell's elements is shown
        wide = shown.shape[0]
        cell_h = MAP_HEIGHT / high
        cell_w = min(cell_h, MAP_WIDTH / wide)
        gap = 1.0 if cell_w > 4 else 0.3
        palette = _palette(self.colours)
        from matplotlib.collections import PolyCollection

        column, line = (axis.reshape(-1) for axis in np.indices(shown.shape))
        keep = np.arange(column.size) * each < n
        x, y = MAP_LEFT + column[keep] * cell_w, top + line[keep] * cell_h
        w, h = cell_w - gap, cell_h - gap
        corners = np.stack([[x, y], [x + w, y], [x + w, y + h], [x, y + h]]).transpose(2, 0, 1)
        kinds = shown.reshape(-1)[keep]
        self.axes.add_collection(PolyCollection(list(corners), facecolors=palette[kinds], linewidths=0))
        kinks = kinds == cells.KINK
        size = min(4.0, 0.5 * cell_w + 1)
        ink = self.colours["ink"]
        marks = {"linestyle": "", "markersize": size, "markerfacecolor": ink, "markeredgewidth": 0}
        self.axes.plot(x[kinks] + w / 2, y[kinks] + h / 2, marker="^", **marks)
        nans = kinds == cells.NO_NUMBER
        self.axes.plot(
            x[nans] + w / 2,
            y[nans] + h / 2,
            marker="x",
            linestyle="",
            markersize=size,
            markeredgecolor=self.colours["bad"],
        )

    def _foot(self) -> None:
        from datetime import datetime

        y = self.height - FOOT / 2
        self._line(self.height - FOOT)
        saved = datetime.now().strftime("%Y-%m-%d %H:%M")
        text = f"picture of {saved}; run the cell again for the live check"
        self._text(12, y, text, 11, "ink-2")
        formula = (
            "relative error = |a − n| / max(|a|, |n|, 1 % of the blob’s largest slope); ▲ kink, not counted"
        )
        self._text(WIDTH - 12, y, formula, 11, "ink-2", ha="right")


def _notes(report: Any, left_out: int) -> tuple[int, list[str]]:
    """(how many of them say what is wrong, lines beneath the rows)."""
    found = report.explain()
    lines = found[:NOTE_LINES]
    if len(found) > NOTE_LINES:
        lines.append(f"and {len(found) - NOTE_LINES} more")
    more = [f"{left_out} more blobs are not shown"] if left_out else []
    return len(lines), lines + list(report.remarks) + more


def _error(error: float) -> str:
    if not math.isfinite(error):
        return "Inf"
    if error == 0:
        return "0"
    return words.significant(error, 2) if error >= 1e-3 else words.scientific(error, 1)


def _palette(colours: dict[str, str]) -> np.ndarray:
    """(256, 4) colours of the codes."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    table = np.tile(to_rgba(colours["bg-sunk"]), (256, 1))
    right = LinearSegmentedColormap.from_list("right", [colours[name] for name in ("m-0", "m-1", "m-2")])
    wrong = LinearSegmentedColormap.from_list("wrong", [colours[name] for name in ("r-1", "r-0")])
    table[cells.RIGHT : cells.WRONG] = right(np.linspace(0, 1, cells.WRONG - cells.RIGHT))
    table[cells.WRONG :] = wrong(np.linspace(0, 1, 256 - cells.WRONG))
    return table
