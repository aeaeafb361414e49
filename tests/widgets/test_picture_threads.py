"""Pictures that are drawn in threads, beside the figures of a cell."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="pictures need the notebook extra")
pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from matplotlib import RcParams, cycler, rc_context, rcParams, style

import owlkit
from owlkit.core import events
from owlkit_widgets import gradient_picture
from owlkit_widgets.monitor import Monitor
from tests.widgets.fake_net import FakeSolver
from tests.widgets.fake_run import FakeRun
from tests.widgets.look_net import halves


def monitor_of(diverge_at: int | None = None, log: bool = False) -> Callable[[], bytes]:
    """Draws a run that has all that is written into pictures: a branch, flags, panels, another run behind."""
    run = FakeRun(max_iter=80, seconds=0.0, test_interval=20, diverge_at=diverge_at, solver=FakeSolver())
    run.start()
    run.set_lr(1e-5, source="button")
    run.wait()
    monitor = Monitor(run, compare=FakeRun("behind"))
    if diverge_at is None:
        run.emit(events.Rewound(20, 80))
    monitor.view = {**monitor.view, "log": log}
    return lambda: _drawn(monitor)


def _drawn(monitor: Monitor) -> bytes:
    monitor._picture = None
    return monitor.picture()


def check() -> Callable[[], bytes]:
    report = owlkit.check_gradients(halves(), elements=2, progress=False)
    return lambda: gradient_picture.draw(report)


# What no style among matplotlib's has, and people do have in their settings.
OWN = {
    "text.usetex": True, "figure.autolayout": True, "font.weight": "bold", "font.style": "italic",
    "axes.ymargin": 0.3, "xtick.top": True, "xtick.labelbottom": False, "ytick.labelleft": False,
    "lines.dash_capstyle": "round", "path.sketch": (1, 100, 2), "font.variant": "small-caps",
    "axes.prop_cycle": cycler(color=["red", "lime"], linestyle=["--", ":"], marker=["*", "P"]),
    "lines.linestyle": "none", "lines.marker": "o", "markers.fillstyle": "left",
    "lines.dashed_pattern": [9, 1], "lines.markerfacecolor": "red", "lines.markeredgecolor": "red",
    "lines.scale_dashes": False, "image.interpolation": "bilinear", "image.resample": False,
    "image.origin": "lower", "lines.solid_joinstyle": "bevel", "lines.dash_joinstyle": "bevel",
    "patch.antialiased": False, "text.antialiased": False, "lines.antialiased": False,
    "xtick.alignment": "right", "ytick.alignment": "top", "figure.frameon": False,
    "hatch.color": "red", "hatch.linewidth": 4.0,
}  # fmt: skip


class Noon(datetime.datetime):
    """Always the same time."""

    @classmethod
    def now(cls, tz: Any = None) -> Noon:
        return cls(2020, 1, 1, 12)


@pytest.mark.parametrize(
    "make", [monitor_of, lambda: monitor_of(60), lambda: monitor_of(log=True), check],
    ids=["run", "diverged", "log", "gradients"],
)  # fmt: skip
def test_a_cells_settings_are_not_touched_and_its_font_is_not_ours(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that a cell made while a run was drawn in the background had the picture's font."""
    draw = make()
    monkeypatch.setattr("datetime.datetime", Noon)  # a check's picture says when it was drawn
    with rc_context():
        first = draw()
        written: list[str] = []
        for name in ("__setitem__", "_set", "update", "_update_raw"):
            monkeypatch.setattr(RcParams, name, lambda self, *given: written.append(str(given)))
        assert draw() == first
        assert not written
        monkeypatch.undo()
        monkeypatch.setattr("datetime.datetime", Noon)
        rcParams["font.family"] = ["monospace"]
        assert draw() == first, "all texts have the picture's own font"
        names = ("dark_background", "seaborn-v0_8", "ggplot", "classic")
        looks = [dict(style.library[name]) for name in names]
        del looks[-1]["text.hinting"]  # of the letters' edges: there is one for all texts of a process
        for k, look in enumerate([*looks, OWN]):
            rcParams.update(look)
            assert draw() == first, f"on paper, whatever a cell's figures look like: {k}"
