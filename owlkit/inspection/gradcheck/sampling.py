"""Which elements of a blob are checked one by one, and along which directions it is checked as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

EXHAUSTIVE = 256  # up to so many elements, each is checked
SAMPLES = 24  # of a larger blob, so many elements are checked, and
DIRECTIONS = 2  # so many directions, in which every element takes part
ROUNDING = 1e-9  # of the typical size: values that differ by less are ties


@dataclass(frozen=True)
class Sample:
    """elements : (n,) int64, positions in C order. directions : how many random ones are tried besides."""

    elements: np.ndarray
    directions: int


def number(count: int, elements: int | str) -> int:
    """How many of `count` elements are checked one by one."""
    if elements == "auto":
        return count if count <= EXHAUSTIVE else SAMPLES
    return count if elements == "all" else min(int(elements), count)


def only(analytic: np.ndarray, element: int) -> Sample:
    """One element, and the one with the largest gradient, against which small errors are measured."""
    largest = int(np.argmax(np.nan_to_num(np.abs(analytic), nan=0.0)))
    return Sample(np.unique([element, largest]), 0)


def choose(
    analytic: np.ndarray, elements: int | str, directions: int | None, rng: np.random.Generator
) -> Sample:
    """What to check of a blob whose gradient, flat, is `analytic`.

    elements : "all", how many, or "auto": all of a small blob, a sample of a large one. The element with the
    largest gradient is always among them. directions : how many; None: none where every element is checked.
    """
    count = analytic.size
    some = number(count, elements)
    if directions is None:
        directions = DIRECTIONS if some < count else 0
    if some == count:
        return Sample(np.arange(count), directions)
    largest = int(np.argmax(np.nan_to_num(np.abs(analytic), nan=np.inf)))
    others = rng.choice(count, some, replace=False)
    kept = np.append(others[others != largest], largest)[-some:] if some else others
    return Sample(np.sort(kept), directions)


def rounded(values: np.ndarray) -> np.ndarray:
    """The values without their last digits: sums of the same numbers in another order count as equal."""
    quantum = ROUNDING * max(float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0, 1e-2)
    return np.round(values / quantum) * quantum


def direction(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random direction of signs, (n,) float64.

    Equal values get equal signs, so that ties (the zeros that a ReLU leaves) move together and stay ties.
    """
    distinct, which = np.unique(rounded(values), return_inverse=True)
    return rng.choice([-1.0, 1.0], distinct.size)[which.reshape(-1)]


def locate(indices: np.ndarray, difference: Callable[[np.ndarray], float]) -> int:
    """The element that is most likely to blame for a wrong direction, by halving.

    difference : of analytic and numeric slope along the given elements alone.
    """
    while indices.size > 1:
        half = indices.size // 2
        parts = indices[:half], indices[half:]
        indices = max(parts, key=lambda part: abs(difference(part)))
    return int(indices[0])
