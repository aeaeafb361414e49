"""Pictures that are drawn in threads, beside the figures of a cell."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib", reason="pictures need the notebook extra")
pytest.importorskip("anywidget", reason="the widgets need the notebook extra")

from matplotlib import rc_context, rcParams

from owlkit_widgets.picture import settings
from tests.widgets.asking import Held, ended, in_thread


def test_two_pictures_at_once_leave_a_cells_font_as_it_was() -> None:
    """Two runs that were drawn in the background left all later figures of a notebook with their font."""
    before, first, second = list(rcParams["font.family"]), Held(), Held()

    def draw(held: Held) -> None:
        with settings({"font.family": ["Inter"]}):
            held()

    one = in_thread(lambda: draw(first))
    assert first.begun.wait(10)
    other = in_thread(lambda: draw(second))
    second.begun.wait(0.05)
    first.go.set()
    assert ended(one)
    second.go.set()
    assert ended(other)
    assert rcParams["font.family"] == before


def test_what_a_cell_sets_meanwhile_stays() -> None:
    with rc_context():
        with settings({"font.family": ["Inter"]}):
            rcParams["lines.linewidth"] = 7.5
        assert rcParams["lines.linewidth"] == 7.5
