"""Squares that cover an image, one place after the other, and what a unit loses by each.

Source: Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014 (arXiv:1311.2901), 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from owlkit.inspection.twin import Twin
from owlkit.inspection.units import Unit

# A patch covers about a seventh of a side and moves by a third of itself.
PATCHES_PER_SIDE, STEPS_PER_PATCH = 7, 3

OnPlaces = Callable[[int, int, np.ndarray], None]
"""Told after each batch: places done, places in all, the map so far."""


@dataclass(frozen=True)
class Scan:
    """side : of the covering square, step : by which it moves, both in pixels of the input."""

    side: int
    step: int

    @classmethod
    def of(cls, shape: tuple[int, ...], patch: int | None = None, stride: int | None = None) -> Scan:
        """For an input (N, C, H, W): by default a seventh of the shorter side, and a third of that.

        Raises ValueError for a square that does not fit, or steps that leave pixels out.
        """
        shorter = min(shape[2:])
        side = patch if patch is not None else max(1, round(shorter / PATCHES_PER_SIDE))
        if not 1 <= side <= shorter:
            raise ValueError(f"patch is {side}, expected 1 to {shorter}, the input's shorter side")
        step = stride if stride is not None else max(1, side // STEPS_PER_PATCH)
        if not 1 <= step <= side:
            raise ValueError(f"stride is {step}, expected 1 to patch ({side}), or pixels are left out")
        return cls(side, step)

    def places(self, height: int, width: int) -> list[tuple[int, int]]:
        """(top, left) of squares that cover every pixel: coarsely first."""
        leap = max(1, self.side // self.step)
        rows, columns = self._starts(height), self._starts(width)
        return [
            (top, left)
            for first in range(leap)
            for then in range(leap)
            for top in rows[first::leap]
            for left in columns[then::leap]
        ]

    def _starts(self, length: int) -> list[int]:
        last = length - self.side
        return sorted({*range(0, last + 1, self.step), last})


def occlude(
    twin: Twin,
    image: np.ndarray,
    unit: Unit,
    layer: str,
    value: float,
    scan: Scan,
    on_places: OnPlaces = lambda done, total, falls: None,
) -> np.ndarray:
    """(H, W): how much of a unit's `value` goes when a pixel is covered, over all squares that cover it.

    image : (C, H, W), prepared. Covered pixels are 0. While it goes on, `on_places` gets the map so far, NaN
    where no square has been; what it raises ends the scan.
    """
    height, width = image.shape[1:]
    places = scan.places(height, width)
    total, times = np.zeros((height, width)), np.zeros((height, width))
    for first in range(0, len(places), twin.shape[0]):
        some = places[first : first + twin.shape[0]]
        falls = value - unit.of(twin.run(_covered(image, some, scan.side), layer))
        for (top, left), fall in zip(some, falls, strict=True):
            total[top : top + scan.side, left : left + scan.side] += fall
            times[top : top + scan.side, left : left + scan.side] += 1
        done = first + len(some)
        on_places(done, len(places), np.where(times, total / np.maximum(times, 1), np.nan))
    return total / times


def _covered(image: np.ndarray, places: list[tuple[int, int]], side: int) -> np.ndarray:
    """(places, C, H, W): the image with one square of 0 in each."""
    covered = np.repeat(image[None], len(places), 0)
    for one, (top, left) in zip(covered, places, strict=True):
        one[:, top : top + side, left : left + side] = 0
    return covered
