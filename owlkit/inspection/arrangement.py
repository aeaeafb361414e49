"""Features in two dimensions, such that what is alike lies close together: PCA, and t-SNE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

METHODS = ("tsne", "pca")
PERPLEXITY = 30.0  # van der Maaten and Hinton 2008: 5 to 50
FIRST_PCA = 50  # dimensions that t-SNE starts from
MOST_EXACT = 2500  # points, beyond which the (n, n) arrays of the exact method cost more than they show
STEPS, EXAGGERATED = 750, 250
EXAGGERATION = 12.0
SEARCHES = 40  # halvings of the interval of a point's precision
SMALLEST = 1e-12

Points = NDArray[np.float64]
OnStep = Callable[[int, int, Points], None]


def arrange(
    features: NDArray[np.generic],
    method: str = "tsne",
    seed: int = 0,
    on_step: OnStep = lambda done, total, points: None,
) -> Points:
    """(n, 2) of features (n, d). on_step : told steps done, steps in all, and the points so far, which it
    must not change; what it raises ends the work. Beyond 2,500 points t-SNE is scikit-learn's, which tells
    nothing.
    """
    table = np.asarray(features, np.float64)
    if method == "pca":
        return principal(table, 2)
    reduced = principal(table, FIRST_PCA) if table.shape[1] > FIRST_PCA else table
    perplexity = min(PERPLEXITY, (len(table) - 1) / 3)
    if len(table) > MOST_EXACT:
        return _barnes_hut(reduced, perplexity, seed)
    return tsne(reduced, perplexity, seed, on_step)


def principal(table: Points, dimensions: int) -> Points:
    """(n, dimensions): along the directions of largest spread; each points to where its largest entry is."""
    centred = table - table.mean(0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(1)])
    scores = left * (sizes * signs)
    missing = max(0, dimensions - scores.shape[1])
    return np.pad(scores[:, :dimensions], ((0, 0), (0, missing)))


def tsne(
    table: Points,
    perplexity: float,
    seed: int = 0,
    on_step: OnStep = lambda done, total, points: None,
) -> Points:
    """Exact t-SNE: van der Maaten and Hinton 2008, JMLR 9, with its momentum and gains; from the first two
    principal components (Kobak and Berens 2019), exaggerated by 12 for the first third.

    p_ij: how alike i and j are; q_ij proportional to 1 / (1 + |y_i - y_j|^2);
    dy_i = 4 sum_j (p_ij - q_ij) (y_i - y_j) / (1 + |y_i - y_j|^2).
    """
    count = len(table)
    p = _likeness(table, perplexity).astype(np.float32)
    y = principal(table, 2)
    y *= 1e-4 / max(float(y[:, 0].std()), SMALLEST)
    y += np.random.default_rng(seed).normal(0, 1e-6, y.shape)  # two points at one place would stay there
    places = y.astype(np.float32)
    rate = max(count / EXAGGERATION / 4, 50.0)
    step, gains = np.zeros_like(places), np.ones_like(places)
    for done in range(STEPS):
        early = done < EXAGGERATED
        slope = _slope(p, places, EXAGGERATION if early else 1.0)
        gains = np.where(slope * step < 0, gains + 0.2, gains * 0.8).clip(0.01)
        step = np.float32(0.5 if early else 0.8) * step - np.float32(rate) * gains * slope
        places = places + step
        on_step(done + 1, STEPS, places.astype(np.float64))
    return places.astype(np.float64)


def _slope(p: NDArray[np.float32], y: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """dy (n, 2) for p (n, n), exaggerated by `factor`."""
    squares = (y * y).sum(1)
    near = 1 / (1 + np.maximum(squares[:, None] + squares[None] - 2 * (y @ y.T), 0))
    np.fill_diagonal(near, 0)
    pull = (np.float32(factor) * p - near / near.sum()) * near
    return 4 * (pull.sum(1)[:, None] * y - pull @ y)


def _likeness(table: Points, perplexity: float) -> Points:
    """p (n, n), symmetric, sums to 1: each row a Gaussian whose entropy is log(perplexity)."""
    squares = (table * table).sum(1)
    apart = np.maximum(squares[:, None] + squares[None] - 2 * table @ table.T, 0)
    np.fill_diagonal(apart, np.inf)
    apart -= apart.min(1, keepdims=True)
    finite = np.where(np.isinf(apart), 0, apart)
    scale = finite.mean(1)  # the search is in units of each point's mean distance
    unit = apart / np.maximum(scale, SMALLEST)[:, None]
    unit_finite = finite / np.maximum(scale, SMALLEST)[:, None]
    low, high = np.full(len(table), -20.0), np.full(len(table), 20.0)  # log of the precision
    for _ in range(SEARCHES):
        middle = (low + high) / 2
        beta = np.exp(middle)[:, None]
        weights = np.exp(-beta * unit)
        total = weights.sum(1)
        entropy = np.log(total) + (beta * weights * unit_finite).sum(1) / total
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    weights = np.exp(-np.exp((low + high) / 2)[:, None] * unit)
    rows = weights / weights.sum(1, keepdims=True)
    return np.maximum((rows + rows.T) / (2 * len(table)), SMALLEST)


def _barnes_hut(table: Points, perplexity: float, seed: int) -> Points:
    """By scikit-learn, O(n log n)."""
    from sklearn.manifold import TSNE

    found = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed)
    return np.asarray(found.fit_transform(table), np.float64)
