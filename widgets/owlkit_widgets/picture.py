"""The monitor as a still picture: what a saved notebook, nbconvert and code hosting show.

The layout is the live one without controls, light theme. Coordinates are those of the design: pixels of a
page 1100 wide, drawn at twice that resolution. matplotlib is imported on first use, and never through pyplot,
so that drawing works in any thread and touches no figure of the user's.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from . import words
from .assets import light_tokens
from .points import smooth

WIDTH, HEIGHT = 1100, 420
LEFT, RIGHT = 88, 252
HEAD, NOTE, TITLES, LANE = 57, 34, 28, 29
PLOT = 238
SCALE = 2
FONTS = ["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"]

WORDS = {
    "finished": ("Finished", "bg-sunk", "ink"),
    "stopped": ("Stopped", "bg-sunk", "ink"),
    "diverged": ("Diverged", "bad-bg", "bad"),
    "failed": ("Failed", "bad-bg", "bad"),
    "paused": ("Paused", "info-bg", "train"),
}
# kind -> (token of the colour, matplotlib marker)
FLAGS = {
    "snapshot": ("ink-2", "s"),
    "pause": ("train", "|"),
    "lr": ("lr", "v"),
    "nan": ("bad", "x"),
    "step": ("train", ">"),
    "stop": ("ink-2", "s"),
}


def draw(monitor: Any, file_format: str = "png") -> bytes:
    """Picture of a monitor as PNG or SVG bytes."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.family": _fonts(), "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100 * SCALE)
        FigureCanvasAgg(figure)
        _Page(figure, monitor).draw()
        out = io.BytesIO()
        figure.savefig(out, format=file_format, facecolor=light_tokens()["bg"])
    return _few_colours(out) if file_format == "png" else out.getvalue()


def warm_up() -> None:
    """Import what `draw` needs and look up the fonts."""

    _fonts()


def _few_colours(png: io.BytesIO) -> bytes:
    """The same PNG with a palette: a third of the bytes, which a notebook carries for good."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(png).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def _fonts() -> list[str]:
    """Those of FONTS that are installed: matplotlib warns of every other one."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in FONTS if name in installed] or ["sans-serif"]


class _Page:
    def __init__(self, figure: Any, monitor: Any) -> None:
        self.figure = figure
        self.colours = light_tokens()
        recorder = monitor.recorder
        self.state = recorder.state
        self.problem = recorder.problem
        self.figures = recorder.figures()
        self.points = recorder.points.columns()
        self.tests, self.flags = list(recorder.tests), list(recorder.flags)
        self.name = monitor.run["name"]
        view = monitor.view
        self.log = bool(view.get("log"))
        max_iter = self.figures["max_iter"]
        keep = float(view.get("smoothing", 0.9))
        self.smoothed = smooth(self.points["iter"], self.points["mean"], keep, max_iter)

    def draw(self) -> None:
        self.page = self._axes(0, 0, WIDTH, HEIGHT)
        self.page.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        self.page.axis("off")
        self._frame()
        self._header()
        self._note()
        self._chart()
        self._legend()

    def _axes(self, left: float, top: float, width: float, height: float) -> Any:
        bottom = HEIGHT - top - height
        return self.figure.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))

    def _text(self, x: float, y: float, text: str, px: float = 12, **style: Any) -> Any:
        style = {"color": self.colours["ink"], "va": "center", **style}
        return self.page.text(x, y, text, fontsize=px * 0.72, **style)  # points at 100 dpi

    def _frame(self) -> None:
        from matplotlib.patches import FancyBboxPatch

        box = FancyBboxPatch(
            (1, 1), WIDTH - 2, HEIGHT - 2, "round,pad=0,rounding_size=8", fc="none", ec="#0000001f", lw=0.72
        )
        self.page.add_patch(box)

    def _header(self) -> None:
        from matplotlib.patches import FancyBboxPatch, Rectangle

        word, background, ink = WORDS.get(self.state, ("Was running", "bg-sunk", "ink"))
        label = self._text(26, 28, word, 12, weight="bold", color=self.colours[ink])
        wide = _width(label, self.page)
        pill = FancyBboxPatch(
            (14, 17), wide + 24, 22, "round,pad=0,rounding_size=11", fc=self.colours[background], ec="none"
        )
        self.page.add_patch(pill)
        self._text(wide + 50, 28, self.name, 15, weight="bold")
        right = WIDTH - 14.0
        for key, value, small in reversed(self._figures()):
            right = self._figure(right, key, value, small) - 26
        share = min(1.0, self.figures["iter"] / self.figures["max_iter"]) if self.figures["max_iter"] else 0.0
        colour = self.colours["bad" if self.state in ("diverged", "failed") else "train"]
        self.page.add_patch(Rectangle((1, HEAD - 3), WIDTH - 2, 3, fc=self.colours["bg-sunk"], ec="none"))
        self.page.add_patch(Rectangle((1, HEAD - 3), (WIDTH - 2) * share, 3, fc=colour, ec="none"))

    def _figures(self) -> list[tuple[str, str, str]]:
        figures = self.figures
        accuracies = [t["accuracy"] for t in self.tests if t["accuracy"] is not None]
        losses = [t["loss"] for t in self.tests if t["loss"] is not None]
        speed = figures["images_per_second"]
        limit = f"/ {words.integer(figures['max_iter'])}" if figures["max_iter"] else ""
        return [
            ("iteration", words.integer(figures["iter"]), limit),
            ("trained for", words.duration(figures["seconds"]), ""),
            ("images/s", words.integer(speed), ""),
            ("test accuracy", f"{100 * accuracies[-1]:.1f}\u202f%" if accuracies else words.UNKNOWN, ""),
            ("best test loss", words.loss(min(losses)) if losses else words.UNKNOWN, ""),
        ]

    def _figure(self, right: float, key: str, value: str, small: str) -> float:
        """One figure of the header, flush right at `right`; its left edge."""
        number = self._text(0, 36, value, 14, weight="bold")
        more = self._text(0, 36.5, small, 12, color=self.colours["ink-2"])
        head = self._text(0, 19, key, 11, color=self.colours["ink-2"])
        first = _width(number, self.page)
        wide = max(first + (_width(more, self.page) + 5 if small else 0), _width(head, self.page))
        left = right - wide
        for text, x in ((number, left), (more, left + first + 5), (head, left)):
            text.set_x(x)
        return left

    def _note(self) -> None:
        from matplotlib.patches import Rectangle

        bad = self.problem is not None and self.state in ("diverged", "failed")
        background = self.colours["bad-bg" if bad else "info-bg"]
        self.page.add_patch(Rectangle((1, HEAD), WIDTH - 2, NOTE, fc=background, ec="none"))
        y = HEAD + NOTE / 2
        if bad and self.problem is not None:
            self._text(
                14, y, words.clip(self.problem["title"], 150), 13, weight="bold", color=self.colours["bad"]
            )
            return
        lead = self._text(14, y, "Static picture,", 12, weight="bold")
        at = words.integer(self.figures["iter"])
        rest = f"saved with the notebook at iteration {at}. Run the cell to train again."
        self._text(18 + _width(lead, self.page), y, rest, 12)

    # -- chart ---------------------------------------------------------------------------------------------

    def _chart(self) -> None:
        top = HEAD + NOTE + TITLES
        chart = self._axes(LEFT, top, WIDTH - LEFT - RIGHT, PLOT)
        accuracy = chart.twinx()
        end = max(self.figures["iter"] * 1.025, 2)
        chart.set_xlim(0, end)
        self._limits(chart)
        self._style(chart, accuracy)
        self._curves(chart, accuracy)
        self._flags(chart, end)
        self._text(LEFT - 8, top - 14, "loss", 11, ha="right")
        self._text(LEFT - 8, top + PLOT + 12, "iteration", 11, ha="right", color=self.colours["ink-2"])

    def _limits(self, chart: Any) -> None:
        losses = np.concatenate(
            [self.points["mean"], [t["loss"] for t in self.tests if t["loss"] is not None]]
        ).astype(float)
        losses = losses[np.isfinite(losses) & ((losses > 0) | (not self.log))]
        if not losses.size:
            return
        if self.state == "diverged":
            losses = losses[losses <= 4 * np.quantile(losses, 0.95)]
        low, high = np.quantile(losses, 0.01), np.quantile(losses, 0.99)
        seen = self.smoothed[self.smoothed <= 4 * high]
        high = np.max(seen, initial=high)  # where the run began is seen
        if self.log:
            chart.set_yscale("log")
            chart.set_ylim(low / 1.3, high * 1.3)
            return
        ticks = chart.yaxis.get_major_locator().tick_values(low, max(high, low + 1e-9))
        chart.set_ylim(max(ticks[0], 0.0) if low >= 0 else ticks[0], ticks[-1])

    def _style(self, chart: Any, accuracy: Any) -> None:
        from matplotlib.ticker import FuncFormatter

        for axes in (chart, accuracy):
            for spine in axes.spines.values():
                spine.set_visible(False)
            axes.tick_params(length=0, labelsize=11 * 0.72, labelcolor=self.colours["ink-2"], pad=6)
        chart.spines["bottom"].set(visible=True, color=self.colours["edge"], linewidth=0.72)
        chart.tick_params(axis="x", length=3, color=self.colours["edge"], pad=4)
        chart.xaxis.set_major_formatter(FuncFormatter(lambda x, _: words.tick(x)))
        chart.grid(color="#00000011", linewidth=0.72)
        chart.set_axisbelow(True)
        accuracy.set_yticks([])

    def _curves(self, chart: Any, accuracy: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        colours, iters = self.colours, self.points["iter"].astype(float)
        blue = colours["train"]
        chart.fill_between(iters, self.points["lo"], self.points["hi"], color=blue, alpha=0.3, lw=0)
        chart.plot(iters, self.points["mean"], color=blue, alpha=0.3, lw=0.72)
        chart.plot(iters, self.smoothed, color=colours["halo"], alpha=0.7, lw=2.9)
        tests = [(t["iter"], t["loss"]) for t in self.tests if t["loss"] is not None]
        style = {"mfc": colours["halo"], "mew": 1.1, "ms": 4.6, "lw": 1.1, "dashes": (4, 2.4)}
        if tests:
            chart.plot(*zip(*tests, strict=True), color=colours["test"], marker="o", **style)
        chart.plot(iters, self.smoothed, color=blue, lw=1.45)
        accuracies = [(t["iter"], 100 * t["accuracy"]) for t in self.tests if t["accuracy"] is not None]
        if accuracies:
            diamonds = {"marker": "D", "ms": 4, "mec": "white", "mew": 0.8}
            accuracy.plot(*zip(*accuracies, strict=True), color=colours["acc"], lw=1.26, **diamonds)
            accuracy.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            accuracy.set_ylim(top=min(accuracy.get_ylim()[1], 100.5))
            top = HEAD + NOTE + TITLES
            self._text(WIDTH - RIGHT + 22, top - 14, "accuracy %", 11, ha="right", color=colours["acc"])

    def _flags(self, chart: Any, end: float) -> None:
        y = HEAD + NOTE + TITLES + PLOT + LANE
        for flag in self.flags:
            kind = flag["kind"]
            if kind not in FLAGS:
                continue
            token, mark = FLAGS[kind]
            colour = self.colours[token]
            x = LEFT + flag["iter"] / end * (WIDTH - LEFT - RIGHT)
            if kind in ("lr", "pause", "nan"):
                chart.axvline(flag["iter"], color=colour, lw=0.72, dashes=(2, 3), alpha=0.8)
            fill = "none" if kind == "snapshot" else colour
            self.page.plot(x, y, mark, ms=5, mfc=fill, mec=colour, mew=1.1)
            if kind == "lr" and flag.get("value") is not None:
                self._text(x + 9, y, f"lr {flag['value']:.3g}", 11, color=colour)
            if kind == "nan":
                self._text(x - 9, y, flag["text"], 11, color=colour, weight="bold", ha="right")
        if any(flag["kind"] == "nan" for flag in self.flags):
            self._divergence(chart, end)

    def _divergence(self, chart: Any, end: float) -> None:
        """Hatch over what is missing, ✕ at the last finite loss."""
        at = next(flag["iter"] for flag in self.flags if flag["kind"] == "nan")
        bad = self.colours["bad"]
        chart.axvspan(at, end, fc="none", ec=bad, hatch="////", alpha=0.5, lw=0)
        finite = self.points["mean"][np.isfinite(self.points["mean"])]
        if not finite.size:
            return
        low, high = chart.get_ylim()
        y = float(np.clip(finite[-1], low, high))
        chart.plot(at, y, "o", ms=10, mfc="white", mec=bad, mew=1.45, clip_on=False, zorder=5)
        chart.plot(at, y, "x", ms=4.5, mec=bad, mew=1.45, clip_on=False, zorder=6)
        label = f"last finite loss {finite[-1]:.4g}"
        chart.annotate(
            label, (at, y), (-9, 0), textcoords="offset points", ha="right", va="center", color=bad,
            fontsize=12 * 0.72, weight="bold",
        )  # fmt: skip

    def _legend(self) -> None:
        x, y = WIDTH - RIGHT + 62, HEAD + NOTE + TITLES + 8.0
        self._text(x, y, "latest", 11, weight="bold")
        colours = self.colours
        last = self.tests[-1] if self.tests else {"loss": None, "accuracy": None}
        accuracy = None if last["accuracy"] is None else 100 * last["accuracy"]
        rings = {"ls": "--", "marker": "o", "mfc": "white", "ms": 4.6}
        rows: list[tuple[str, str, dict[str, Any] | None]] = [
            ("train loss", words.loss(_last(self.smoothed)), {"color": colours["train"], "lw": 1.45}),
            (
                "raw",
                words.loss(_last(self.points["mean"])),
                {"color": colours["train"], "lw": 0.7, "alpha": 0.5},
            ),
            ("test loss", words.loss(last["loss"]), {"color": colours["test"], "lw": 1.1, **rings}),
            (
                "accuracy %",
                words.UNKNOWN if accuracy is None else f"{accuracy:.1f}",
                {"color": colours["acc"], "lw": 1.26, "marker": "D", "ms": 4},
            ),
            ("learning rate", words.rate(self.figures["lr"]), None),  # a value, never a curve
        ]
        for label, value, style in rows:
            y += 22
            if style is not None:
                self.page.plot([x, x + 10, x + 20], [y, y, y], markevery=[1], **style)
            self._text(x + 26, y, label, 12)
            colour = colours["bad"] if value == "NaN" else colours["ink"]
            self._text(WIDTH - 14, y, value, 12, ha="right", color=colour)


def _width(text: Any, axes: Any) -> float:
    """Width of a drawn text in page pixels."""
    return float(text.get_window_extent(axes.figure.canvas.get_renderer()).width) / SCALE


def _last(values: Any) -> float | None:
    return float(values[-1]) if len(values) else None
