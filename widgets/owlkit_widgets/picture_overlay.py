"""The runs behind the one in front, in the still picture: lighter curves in their own dashes, and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .picture_past import Past
from .picture_png import dashes
from .points import smooth

if TYPE_CHECKING:
    from .picture_page import Page
    from .subject import Subject

DASHES = ((4.0, 2.7), (1.3, 2.0), (6.0, 2.0, 1.3, 2.0))
"""Those of the second to fourth run in tokens.css, in widths of the line (1.5 px)."""
WIDTH_OF_LINE, ALPHA = 1.08, 0.62


class Behind:
    """What of a run behind the one in front goes into the picture; keep, max_iter : as it is smoothed."""

    def __init__(self, subject: Subject, keep: float, max_iter: int) -> None:
        recorder = subject.recorder
        with recorder.lock:
            points, self.tests = recorder.points.columns(), list(recorder.tests)
            branches = list(recorder.branches)
        self.name = subject.name
        self.iters = points["iter"].astype(float)
        self.raw = points["mean"]
        self.lr = points["lr"]
        self.smoothed = smooth(points["iter"], points["mean"], keep, max_iter)
        self.past = Past(branches, points, self.smoothed, keep, max_iter)

    def tested(self, what: str, net: int = 0) -> list[tuple[int, float]]:
        """(iteration, value) of the "loss" or "accuracy" of a test net, where it is known."""
        return [(t["iter"], t[what]) for t in self.tests if t["net"] == net and t[what] is not None]


def draw_behind(page: Page, chart: Any, accuracy: Any, runs: list[Behind]) -> None:
    """Smoothed loss and tests of each run."""
    for run, pattern in zip(runs, DASHES, strict=False):
        style = {"alpha": ALPHA, "lw": WIDTH_OF_LINE, "dashes": dashes(WIDTH_OF_LINE, *pattern)}
        chart.plot(run.iters, run.smoothed, color=page.colours["train"], **style)
        if losses := run.tested("loss"):
            chart.plot(*zip(*losses, strict=True), color=page.colours["test"], **style)
        if rows := run.tested("accuracy"):
            iters, shares = zip(*rows, strict=True)
            accuracy.plot(iters, 100 * np.array(shares), color=page.colours["acc"], **style)


def list_runs(page: Page, names: list[str], x: float, y: float) -> None:
    """Letter, name and dash of all runs, from the height y on."""
    for k, name in enumerate(names):
        style = {"lw": WIDTH_OF_LINE, "dashes": dashes(WIDTH_OF_LINE, *DASHES[k - 1])} if k else {"lw": 1.45}
        page.canvas.plot([x, x + 20], [y, y], color=page.colours["ink"], **style)
        page.text(x + 26, y, f"{chr(65 + k)} {name}", 12)
        y += 22
