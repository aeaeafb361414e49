"""Norms of weights and updates, and what is said of them: frozen, hot, settled, no numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from owlkit_widgets.judgement import Health, Judge
from owlkit_widgets.norms import Norms, log_ratios, pack


def judge(iters: np.ndarray, values: np.ndarray, judged: list[int]) -> Health:
    """What is said after all rows."""
    found = Judge(judged)
    for iteration, row in zip(iters.tolist(), values, strict=True):
        found.add(iteration, row)
    return found.health


class TestNorms:
    def test_a_full_table_merges_neighbours(self) -> None:
        norms = Norms(1, capacity=4)
        for i in range(1, 6):
            norms.add(i, np.array([[i], [10 * i]], np.float32))
        iters, values = norms.columns()
        assert iters.tolist() == [1, 3, 5], "what is merged holds from the first one on"
        assert values[:, 0, 0].tolist() == [1.5, 3.5, 5.0]
        assert norms.total == 5

    def test_what_is_not_finite_is_never_averaged_away(self) -> None:
        norms = Norms(2, capacity=2)
        for i in range(1, 30):
            norms.add(i, np.array([[1, math.nan if i == 3 else 1], [1, 1]], np.float32))
        assert np.isnan(norms.columns()[1][:, 0, 1]).any()
        assert np.isfinite(norms.columns()[1][:, 0, 0]).all()

    def test_an_odd_capacity_is_refused(self) -> None:
        with pytest.raises(ValueError, match="found 5, expected an even number"):
            Norms(1, 5)

    @pytest.mark.parametrize(("last", "kept"), [(5, [1, 3, 5]), (4, [1, 3]), (3, [1]), (2, [1]), (0, [])])
    def test_a_row_goes_only_where_it_holds_what_came_after(self, last: int, kept: list[int]) -> None:
        """The last merged row went whatever it held."""
        norms = Norms(1, capacity=4)
        for i in range(1, 6):
            norms.add(i, np.full((2, 1), i, np.float32))
        norms.cut(last)
        assert norms.columns()[0].tolist() == kept
        assert norms.total == 5

    def test_parts_have_the_layout_of_the_whole(self) -> None:
        norms = Norms(3)
        rows = [(i, np.full((2, 3), i, np.float32)) for i in (1, 2)]
        for row in rows:
            norms.add(*row)
        assert norms.block() == (2, pack(rows))


class TestJudgement:
    def rows(self, *ratios: float, n: int = 20) -> tuple[np.ndarray, np.ndarray]:
        values = np.ones((n, 2, len(ratios)), np.float32)
        values[:, 1] = 10.0 ** np.array(ratios)
        return np.arange(1, n + 1), values

    def test_healthy_is_quiet(self) -> None:
        health = judge(*self.rows(-3.2, -2.8, -3.9), [0, 1, 2])
        assert health.flags == ()
        assert health.median == pytest.approx(-3.2)

    def test_frozen_and_hot_stand_apart_from_the_others(self) -> None:
        health = judge(*self.rows(-3.2, -5.0, -1.0, -3.1), [0, 1, 2, 3])
        assert [(flag.index, flag.kind) for flag in health.flags] == [(1, "frozen"), (2, "hot")]
        assert health.whole == ""

    def test_a_low_learning_rate_freezes_the_net_and_no_layer(self) -> None:
        health = judge(*self.rows(-4.8, -4.7, -4.9), [0, 1, 2])
        assert health.flags == ()
        assert health.whole == "frozen"

    def test_a_net_that_has_learned_is_not_frozen(self) -> None:
        iters, values = self.rows(-3.2, -3.0, -3.1, n=40)
        values[20:, 1] = 10.0 ** np.array([-4.8, -4.7, -6.0], np.float32)
        health = judge(iters, values, [0, 1, 2])
        assert health.whole == "settled"
        assert health.flags == (), "the last one has settled with the others"
        values[10:, 1, 2] = 1e-6
        (flag,) = judge(iters, values, [0, 1, 2]).flags
        assert (flag.index, flag.kind) == (2, "frozen"), "it was frozen before"
        assert judge(iters[:20], values[20:], [0, 1, 2]).whole == "frozen", "from the beginning"

    def test_how_a_net_began_that_is_seen_later_is_not_known(self) -> None:
        iters, values = self.rows(-4.8, -4.7, -4.9)
        assert judge(iters + 4000, values, [0, 1, 2]).whole == "settled"
        assert judge(iters[:1] + 4000, values[:1], [0, 1, 2]).whole == "settled"

    def test_since_when(self) -> None:
        iters, values = self.rows(-3.2, -3.0, -3.1)
        values[12:, 1, 1] = 1e-6
        (flag,) = judge(iters, values, [0, 1, 2]).flags
        assert 13 <= flag.since <= 15
        values[5, 1, 1] = 1e-6  # one noisy sample is no judgement
        assert judge(iters[:10], values[:10], [0, 1, 2]).flags == ()

    def test_what_is_not_finite_is_told_at_once(self) -> None:
        iters, values = self.rows(-3.0, -3.0)
        values[-1, 0, 1] = np.nan
        (flag,) = judge(iters, values, [0, 1]).flags
        assert (flag.index, flag.kind, flag.since) == (1, "nan", 20)

    def test_zeros_are_no_ratio(self) -> None:
        assert np.isnan(log_ratios(np.array([[[0.0, 1.0], [1.0, 0.0]]]))).all()
        assert judge(np.array([1]), np.zeros((1, 2, 2), np.float32), [0, 1]).median is None
