"""PCA and t-SNE against what is known of them, and against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.inspection.arrangement import _likeness, _slope, arrange, principal


def kinds(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, 12) around four centres, and whose they are."""
    rng = np.random.default_rng(3)
    which = np.arange(count) % 4
    return rng.normal(0, 5, (4, 12))[which] + rng.normal(0, 1, (count, 12)), which


def test_principal_components_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    table, _ = kinds()
    found, peer = principal(table, 2), decomposition.PCA(2).fit_transform(table)
    np.testing.assert_allclose(np.abs(found), np.abs(peer), atol=1e-9)
    np.testing.assert_array_equal(principal(table[:3, :1], 2)[:, 1], 0)


def test_rows_of_the_likeness_have_the_perplexity_asked_for() -> None:
    table, _ = kinds(40)
    p = _likeness(table, 8.0)
    assert p.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(p, p.T)
    one = _likeness(np.array([[0.0], [1.0], [-1.0], [50.0]]), 2.0)
    assert one[0, 1] == pytest.approx(one[0, 2], rel=0.01)
    assert one[0, 1] > 3 * one[0, 3]


def test_the_slope_is_that_of_the_divergence() -> None:
    table, _ = kinds(12)
    p = _likeness(table, 3.0)
    y = np.random.default_rng(0).normal(0, 1, (12, 2))

    def divergence(places: np.ndarray) -> float:
        near = 1 / (1 + ((places[:, None] - places[None]) ** 2).sum(2))
        np.fill_diagonal(near, 0)
        off = ~np.eye(12, dtype=bool)
        return float((p[off] * np.log(p[off] / (near / near.sum())[off])).sum())

    found = _slope(p, y, 1.0)  # type: ignore[arg-type]
    for index in ((0, 0), (5, 1), (11, 0)):
        nudge = np.zeros_like(y)
        nudge[index] = 1e-5
        slope = (divergence(y + nudge) - divergence(y - nudge)) / 2e-5
        assert found[index] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_tsne_puts_kinds_together_tells_its_steps_and_is_repeatable() -> None:
    table, which = kinds()
    steps: list[tuple[int, int]] = []
    points = arrange(table, "tsne", 0, lambda done, total, places: steps.append((done, total)))
    apart = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(apart, np.inf)
    assert (which[apart.argmin(1)] == which).all()
    assert steps[0][0] == 1
    assert steps[-1][0] == steps[-1][1] == len(steps)
    np.testing.assert_array_equal(points, arrange(table, "tsne", 0))
    assert np.isfinite(arrange(np.zeros((5, 3)), "tsne")).all(), "points that are all the same"


def test_what_the_listener_raises_ends_the_work() -> None:
    def stop(done: int, total: int, places: np.ndarray) -> None:
        if done == 3:
            raise InterruptedError(done)

    with pytest.raises(InterruptedError):
        arrange(kinds()[0], "tsne", 0, stop)
