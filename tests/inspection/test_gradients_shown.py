"""What a gradient check shows: table, figure, progress; and what it knows when it is interrupted."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import owlkit
from owlkit.core.errors import NetError
from owlkit.inspection.gradcheck import sampling
from owlkit.inspection.gradcheck.report import GradientReport
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs
from tests.inspection.checked_nets import HalfTanH, small_net
from tests.support.one_layer import OneLayer


def test_interrupting_returns_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**6))

    def choose_until_stopped(*args: object) -> sampling.Sample:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    real = sampling.choose
    monkeypatch.setattr(sampling, "choose", choose_until_stopped)
    report = owlkit.check_gradients(small_net())
    assert report.interrupted
    assert report.rows
    assert report.ok
    assert "interrupted" in repr(report)


def test_interrupting_amid_elements_calls_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stops(TanH):
        passes = 0

        def forward(self, bottom: Blobs, top: Blobs) -> None:
            Stops.passes += 1
            if Stops.passes == 60:
                raise KeyboardInterrupt
            super().forward(bottom, top)

    layer = Stops(OneLayer('type: "TanH"', (2, 2)).param, "train")
    report = owlkit.check_gradients(layer, [(10, 10)])
    (row,) = report.rows
    assert report.interrupted
    assert 0 < row.done < 100
    assert row.verdict == "passes"


def report_with_everything(monkeypatch: pytest.MonkeyPatch) -> GradientReport:
    monkeypatch.setitem(LAYERS, "TanH", HalfTanH)
    return owlkit.check_gradients(small_net())


def test_the_table_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_with_everything(monkeypatch)
    text, page = repr(report), report._repr_html_()
    assert "gradients of small: wrong: tanh" in text
    assert "✕ wrong" in text
    assert "✓ passes" in text
    assert "backward gives" in text
    assert "<table>" in page
    assert "tanh (TanH): bottom 0[" in page


def test_the_figure_has_a_row_per_blob(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_with_everything(monkeypatch)
    figure = report.plot()
    maps = [axis for axis in figure.axes if axis.images]
    assert len(maps) == len([row for row in report.rows if row.done])
    assert len([a for a in report.plot(["tanh"]).axes if a.images]) == 1
    with pytest.raises(NetError, match="nothing to draw"):
        report.plot(["no such layer"])


def test_progress_is_one_line_of_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("QUIET_SECONDS", "INTERVAL_SECONDS"):
        monkeypatch.setattr(f"owlkit.core.progress.{name}", 0.0)
    owlkit.check_gradients(small_net())
    assert capsys.readouterr().out == ""  # neither terminal nor notebook: a file, where it would stay
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    owlkit.check_gradients(small_net())
    told = capsys.readouterr().out
    assert "checking conv (" in told
    assert told.endswith("\r")
    owlkit.check_gradients(small_net(), progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("output", [None, SimpleNamespace(write=len, flush=int)], ids=["none", "one's own"])
def test_progress_needs_no_terminal_to_ask(monkeypatch: pytest.MonkeyPatch, output: Any) -> None:
    """A daemon has no standard output; a class that copies it to a log often has `write` and `flush` only."""
    monkeypatch.setattr(sys, "stdout", output)
    assert owlkit.check_gradients(small_net()).ok
