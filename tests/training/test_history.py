"""Columns that grow, what going back drops, and decimation for charts."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from owlkit.core import events
from owlkit.training import History, Run
from owlkit.training import history as history_module
from owlkit.training.thinning import thinned
from tests.training.small import make_solver


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


@pytest.mark.parametrize("written", [0.001, 1e-05, 0.0125, 3.0])
def test_the_learning_rate_is_kept_as_it_was_written(written: float) -> None:
    """It read 0.0010000000474974513: solver files are read in float32."""
    run = Run(make_solver(base_lr=written, max_iter=2)).run()
    assert run.history.lr.tolist() == [written, written]
    by_hand = Run(make_solver(base_lr=written, max_iter=2))
    by_hand.lr = 1 / 3  # is no float32
    assert by_hand.run().history.lr.tolist() == [1 / 3, 1 / 3]


def test_unknown_column() -> None:
    with pytest.raises(AttributeError, match="no 'losses'; its columns are iter, loss"):
        History().losses
    with pytest.raises(KeyError, match="no 'losses'; its columns are iter, loss"):
        History()["losses"]


def test_a_column_by_its_name() -> None:
    history = History()
    fill(history, 1, 3)
    assert history["loss"].tolist() == history.loss.tolist() == [1, 1 / 2, 1 / 3]
    assert history["updates"].tolist() == [1, 1, 1]
    assert history["lowest_loss"].tolist() == history["highest_loss"].tolist() == history["loss"].tolist()


class TestLongRuns:
    """With room for 64 rows, 32 of them for the newest updates and 16 for all that are older than these."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, rows in {"MOST": 64, "EXACT": 32, "THINNED": 16, "GIVEN_UP": 8}.items():
            monkeypatch.setattr(history_module, name, rows)

    @pytest.fixture
    def losses(self) -> np.ndarray:
        return np.random.default_rng(1).random(5003)

    def recorded(self, losses: np.ndarray) -> History:
        history = History()
        for i, loss in enumerate(losses, 1):
            history.record(events.IterationDone(i, loss, -loss, i / 10, 0.5, 0.1, 10))
            assert len(history) <= 1024 if i <= 1024 else len(history) <= 64
        return history

    def test_rows_stay_few_and_sums_whole(self, losses: np.ndarray) -> None:
        history = self.recorded(losses)
        assert history.updates.sum() == 5003
        assert "5003 updates" in repr(history)
        assert history.images.sum() == 50030
        assert history.images_per_second() == pytest.approx(20)
        assert history.data_share == pytest.approx(0.2)
        assert (history.loss * history.updates).sum() == pytest.approx(losses.sum())

    def test_the_newest_updates_have_rows_of_their_own(self, losses: np.ndarray) -> None:
        history = self.recorded(losses)
        assert history.updates[-32:].tolist() == [1] * 32
        assert history.iter[-32:].tolist() == list(range(4972, 5004))
        assert history.loss[-32:].tolist() == losses[-32:].tolist()

    def test_rows_say_what_their_updates_were(self, losses: np.ndarray) -> None:
        history = self.recorded(losses)
        ends = np.cumsum(history.updates)
        assert history.iter.tolist() == ends.tolist()
        assert history.updates[0] > 1
        for row, end in enumerate(ends):
            those = losses[end - history.updates[row] : end]
            assert history.loss[row] == pytest.approx(those.mean())
            assert (history.lowest_loss[row], history.highest_loss[row]) == (those.min(), those.max())
            assert history.smoothed_loss[row] == -losses[end - 1]
            assert history.lr[row] == end / 10

    def test_nan_is_kept(self, losses: np.ndarray) -> None:
        losses[99] = np.nan
        history = self.recorded(losses)
        (row,) = np.flatnonzero(np.isnan(history.loss))
        assert history.iter[row] - history.updates[row] < 100 <= history.iter[row]
        assert np.isnan(history.decimated("loss", 10)[2]).sum() == 1

    def test_charts_find_the_extremes(self, losses: np.ndarray) -> None:
        losses[[1234, 2345]] = -1, 2
        _, low, high = self.recorded(losses).decimated("loss", 10)
        assert (low.min(), high.max()) == (-1, 2)

    def test_what_was_read_before_does_not_change(self) -> None:
        history = History()
        fill(history, 1, 1024)
        before = history.loss
        fill(history, 1025, 2000)
        assert before.tolist() == [1 / i for i in range(1, 1025)]

    def test_going_back_far(self, losses: np.ndarray) -> None:
        history = self.recorded(losses)
        width = history.updates[0]
        history.record(events.Rewound(1000, 5003))
        assert history.iter[-1] == 1000 // width * width
        (given_up,) = history.abandoned
        assert len(given_up.columns["iter"]) <= 8
        assert given_up.columns["updates"].sum() == 5003 - history.iter[-1]
        fill(history, 1001, 4000)
        assert len(history) <= 64
        assert history.iter[-1] == 4000
        assert (np.diff(history.iter) > 0).all()

    def test_pace_of_the_last_updates_where_rows_stand_for_many(self, losses: np.ndarray) -> None:
        history = self.recorded(losses)
        fast = events.IterationDone(5004, 1.0, 1.0, 0.1, 0.25, 0.1, 10)
        history.record(fast)
        assert history.images_per_second(1) == pytest.approx(40)
        assert history.images_per_second(2000) == pytest.approx(20, rel=1e-2)


def test_few_rows_are_left_as_they_are() -> None:
    columns = {"iter": np.arange(1, 6), "updates": np.ones(5, np.int64), "loss": np.arange(5.0)}
    assert thinned(columns, 5)["iter"].tolist() == [1, 2, 3, 4, 5]
    assert thinned(columns, 4)["iter"].tolist() == [2, 4, 5]
    assert thinned(columns, 4)["loss"].tolist() == [0.5, 2.5, 4.0]
    empty = {name: column[:0] for name, column in columns.items()}
    assert len(thinned(empty, 4)["iter"]) == 0


def test_what_tests_said_is_a_curve() -> None:
    history = History()
    for iteration, value in ((0, 0.1), (10, 0.5), (20, 0.75)):
        history.record(
            events.TestDone(iteration, 0, "test", {"accuracy": value, "loss": 1 - value}, None, 0.1)
        )
    history.record(events.TestDone(20, 1, "other", {"top5": 0.9}, None, 0.1))
    at, values = history.test_curve("accuracy")
    assert (at.tolist(), values.tolist()) == ([0, 10, 20], [0.1, 0.5, 0.75])
    assert history.test_curve("top5", net=1)[1].tolist() == [0.9]
    with pytest.raises(KeyError, match="have no output 'acc'; they have accuracy, loss"):
        history.test_curve("acc")
    with pytest.raises(KeyError, match="there were none yet"):
        history.test_curve("accuracy", net=2)
    with pytest.raises(KeyError, match=r"history\.test_curve\('accuracy'\)"):
        history["accuracy"]
    with pytest.raises(AttributeError, match=r"history\.test_curve\('accuracy'\)"):
        history.accuracy


def test_a_table_is_made_of_it() -> None:
    history = History()
    fill(history, 1, 2)
    table = dict(history)
    assert list(table) == list(history_module.COLUMNS)
    assert table["loss"].tolist() == [1.0, 0.5]
    assert "smoothed_loss" in dir(history)


def test_a_table_made_while_training_goes_on_is_of_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had columns of unequal length: rows came between one column and the next."""
    history, other = History(), History()
    fill(history, 1, 2)
    fill(other, 1, 1)
    look = History.__getitem__

    def meanwhile(self: History, name: str) -> np.ndarray:
        fill(history, len(history) + 1, len(history) + 1)
        return look(self, name)

    monkeypatch.setattr(History, "__getitem__", meanwhile)
    names = history.keys()
    table = {name: history[name] for name in names}
    assert {len(column) for column in table.values()} == {2}
    assert {len(column) for column in {**history}.values()} == {12}
    assert len(history["loss"]) == len(history) == 23
    assert len(history[names[1]]) == 24, "names that are kept find later rows"
    assert len(other[history.keys()[1]]) == 1
    assert type(pickle.loads(pickle.dumps(names[1]))) is str


def a_test(iteration: int, accuracy: float, net: int = 0) -> events.TestDone:
    return events.TestDone(iteration, net, f"test{net}", {"accuracy": accuracy}, None, 0.1)


def test_a_net_has_one_test_at_an_iteration_the_newest() -> None:
    history = History()
    for event in (a_test(0, 0.1), a_test(10, 0.5), a_test(10, 0.25, net=1), a_test(20, 0.7)):
        history.record(event)
    history.record(events.Rewound(10, 20))
    tests = history.tests
    for event in (a_test(10, 0.6), a_test(10, 0.3, net=1), a_test(20, 0.8)):
        history.record(event)
    assert history.tests is tests, "who goes through it misses none"
    assert tests == [a_test(0, 0.1), a_test(10, 0.6), a_test(10, 0.3, net=1), a_test(20, 0.8)]
    assert history.repeated == [a_test(10, 0.5), a_test(10, 0.25, net=1)]
    assert history.abandoned[0].tests == [a_test(20, 0.7)]
    at, values = history.test_curve("accuracy")
    assert (at.tolist(), values.tolist()) == ([0, 10, 20], [0.1, 0.6, 0.8])
