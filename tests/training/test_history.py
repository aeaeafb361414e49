"""Columns that grow, what going back drops, and decimation for charts."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core import events
from owlkit.training import History


def fill(history: History, first: int, last: int) -> None:
    for i in range(first, last + 1):
        history.record(events.IterationDone(i, 1 / i, 1 / i, 0.1, 0.5, 0.1, 10))


def test_columns_grow_and_old_views_stay() -> None:
    history = History()
    fill(history, 1, 1000)
    early = history.loss
    fill(history, 1001, 5000)
    assert len(history) == 5000
    assert history.iter.tolist() == list(range(1, 5001))
    assert len(early) == 1000
    assert early[-1] == pytest.approx(1e-3)
    assert {len(column) for column in history.columns().values()} == {5000}


def test_columns_cannot_be_written() -> None:
    history = History()
    fill(history, 1, 3)
    with pytest.raises(ValueError, match="read-only"):
        history.loss[0] = 7


def test_going_back_drops_what_came_after() -> None:
    history = History()
    fill(history, 1, 10)
    history.record(events.Diverged(10, np.nan, "ip", "ip", "NaN"))
    before = history.iter
    fill(history, 6, 8)
    assert history.iter.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert before.tolist() == list(range(1, 11))
    assert history.divergence is None


def test_decimation_keeps_extremes() -> None:
    history = History()
    for i in range(1, 1001):
        loss = 50.0 if i == 777 else -3.0 if i == 333 else 1.0
        history.record(events.IterationDone(i, loss, loss, 0.1, 0.5, 0.1, 10))
    x, low, high = history.decimated("loss", 100)
    assert len(x) == len(low) == len(high) == 100
    assert (low.min(), high.max()) == (-3, 50)
    assert x[77] == 771
    x, low, high = history.decimated("loss", 100, start=700, end=750)
    assert (x[0], x[-1]) == (700, 750)
    assert (low == high).all()


def test_decimation_of_nothing() -> None:
    assert [len(part) for part in History().decimated()] == [0, 0, 0]


def test_rates() -> None:
    history = History()
    assert history.images_per_second() == 0
    assert history.data_share == 0
    fill(history, 1, 10)
    assert history.images_per_second() == pytest.approx(20)
    assert history.data_share == pytest.approx(0.2)


def test_unknown_column() -> None:
    with pytest.raises(AttributeError, match="no 'losses'; its columns are iter, loss"):
        History().losses
