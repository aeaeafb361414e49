"""What was given up by going back, in the still picture: the same faded curves as in js/src/paint-past.js."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .branches import Branch, smoothed_branches
from .picture_png import PLAIN

if TYPE_CHECKING:
    from .picture_page import Page

ALPHA = 0.42
"""As in tokens.css."""
TELLING = 0.02
"""Share of the axis below which a part is too short for words; the flag beneath tells it."""


class Past:
    """The parts of one run that were given up, smoothed as its curve is.

    branches : Branch, the oldest first. curves : of each (iterations, smoothed loss).
    """

    def __init__(self, branches: list[Branch], points: Any, smoothed: Any, keep: float, limit: int) -> None:
        self.branches = branches
        self.curves = smoothed_branches(branches, points, smoothed, keep, limit)

    @property
    def latest(self) -> float | None:
        """The last finite smoothed loss of the latest part, None where there is none."""
        if not self.curves:
            return None
        values = self.curves[-1][1]
        finite = values[np.isfinite(values)]
        return float(finite[-1]) if len(finite) else None


def draw_past(page: Page, chart: Any, accuracy: Any, run: Any, end: float) -> None:
    """Curves and tests of what a run has given up. run : with .past and .tests. end : of the axis."""
    past, tests = run.past, run.tests
    for branch, (iters, smoothed) in zip(past.branches, past.curves, strict=True):
        chart.plot(iters, smoothed, color=page.colours["train"], alpha=ALPHA, lw=1.26)
        for what, axes, token in (("loss", chart, "test"), ("accuracy", accuracy, "acc")):
            before = [(t["iter"], t[what]) for t in tests if t["net"] == 0 and t["iter"] <= branch.iter]
            rows = [row for row in before[-1:] if row[1] is not None] + branch.tested(what)
            if not branch.tested(what):
                continue
            values = np.array(rows, float) * ((1, 100) if what == "accuracy" else (1, 1))
            axes.plot(*values.T, color=page.colours[token], alpha=ALPHA, lw=0.9)
        _end(page, chart, branch, iters, smoothed, end)


def _end(page: Page, chart: Any, branch: Branch, iters: Any, smoothed: Any, end: float) -> None:
    known = np.flatnonzero(np.isfinite(smoothed))
    if not len(known):
        return
    low, high = chart.get_ylim()
    at, y = iters[known[-1]], float(np.clip(smoothed[known[-1]], low, high))
    grey = page.colours["ink-2"]
    chart.plot(at, y, "x" if branch.diverged else "|", ms=5, mec=grey, mew=1.1, clip_on=False, zorder=4)
    if at - branch.iter < TELLING * end:
        return
    right = at < 0.8 * end
    chart.annotate(
        f"given up at {branch.reached}", (at, y), (6 if right else -6, 0), textcoords="offset points",
        ha="left" if right else "right", va="center", color=grey, fontsize=7.9,
        family=page.fonts, **PLAIN,
    )  # fmt: skip
