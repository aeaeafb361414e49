"""What wrong elements have in common: where they lie, and how their gradients are related."""

from __future__ import annotations

import numpy as np

from owlkit.inspection.gradcheck.result import BlobCheck

STEADY = 1e-3  # relative: ratios that differ by less are the same
CONFINED = 0.7  # of the checked extent of an axis; a larger part of it says nothing
AXES = {
    (True, 1): ("output",),
    (True, 2): ("output", "input"),
    (True, 4): ("filter", "channel", "row", "column"),
    (False, 2): ("image", "feature"),
    (False, 4): ("image", "channel", "row", "column"),
}


def describe(check: BlobCheck) -> str:
    """In words; "" for a blob without wrong elements."""
    counted = np.flatnonzero(~check.kink[: check.done])
    wrong = counted[~(check.error[counted] <= check.tolerance)]
    if not wrong.size:
        return ""
    found = [_where(check, counted, wrong), _relation(check.analytic[wrong], check.numeric[wrong])]
    return "; ".join(words for words in found if words)


def _where(check: BlobCheck, counted: np.ndarray, wrong: np.ndarray) -> str:
    if wrong.size == counted.size:
        return "every element that was checked" if wrong.size > 1 else ""
    if wrong.size == 1:
        return "a single element"
    values = check.values.reshape(-1)[check.elements]
    bad, good = values[wrong], values[np.setdiff1d(counted, wrong)]
    for sign, word in ((1, "above"), (-1, "below")):
        if (sign * bad > 0).all() and (sign * good <= 0).all():
            return f"exactly those with a value {word} 0"
    return _region(check, counted, wrong)


def _region(check: BlobCheck, counted: np.ndarray, wrong: np.ndarray) -> str:
    """The axis along which the wrong ones lie closest together."""
    every = np.unravel_index(check.elements[counted], check.shape)
    bad = np.unravel_index(check.elements[wrong], check.shape)
    names = AXES.get((check.slot.learned, len(check.shape)), tuple(f"axis {i}" for i in range(len(every))))
    best, words = CONFINED, ""
    for name, along, mine in zip(names, every, bad, strict=True):
        extent = int(along.max() - along.min())
        low, high = int(mine.min()), int(mine.max())
        share = (high - low) / extent if extent else 1.0
        if share < best:
            best = share
            words = f"all in {name} {low}" if low == high else f"all in {name}s {low} to {high}"
    return words


def _relation(analytic: np.ndarray, numeric: np.ndarray) -> str:
    if not np.isfinite(analytic).all():
        return "backward gives no numbers" if not np.isfinite(analytic).any() else ""
    if not analytic.any():
        return "backward gives 0"
    if not numeric.any():
        return "the slope is 0"
    if analytic.size < 2 or not numeric.all():
        return ""
    ratios = analytic / numeric
    middle = float(np.median(ratios))
    if np.abs(ratios - middle).max() > STEADY * abs(middle):
        return ""
    if abs(middle + 1) < STEADY:
        return "backward gives the opposite sign"
    return f"backward gives {middle:.4g} times the slope in each"
