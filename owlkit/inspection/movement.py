"""What moved between two snapshots of a net, and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from owlkit.inspection.distribution import PIECE
from owlkit.inspection.report import Report
from owlkit.net import tables


@dataclass(frozen=True)
class Movement:
    """A learned blob in snapshots a (the earlier) and b.

    relative : |b - a| / |a| in the Euclidean norm; infinite where a is 0 and b is not. cosine : of the angle
    between them; NaN where one is 0. largest : the largest |b - a| of a value. flipped : share of values
    whose sign changed. Where shapes differ, or one of the two lacks the blob, `shapes` says so and the
    numbers are NaN.
    """

    layer: str
    index: int
    shapes: tuple[tuple[int, ...] | None, tuple[int, ...] | None]
    relative: float = math.nan
    cosine: float = math.nan
    largest: float = math.nan
    flipped: float = math.nan

    @property
    def comparable(self) -> bool:
        return self.shapes[0] is not None and self.shapes[0] == self.shapes[1]


Weights = Mapping[str, Sequence[np.ndarray]]


def movements(a: Weights, b: Weights) -> list[Movement]:
    """One entry per learned blob of either, in the order of b; a, b : layer name -> its learned blobs."""
    found = []
    for layer in dict.fromkeys([*b, *a]):
        ours, theirs = a.get(layer, ()), b.get(layer, ())
        for index in range(max(len(ours), len(theirs))):
            first = ours[index] if index < len(ours) else None
            second = theirs[index] if index < len(theirs) else None
            found.append(_movement(layer, index, first, second))
    return found


def _movement(layer: str, index: int, a: np.ndarray | None, b: np.ndarray | None) -> Movement:
    shapes = (a.shape if a is not None else None, b.shape if b is not None else None)
    if a is None or b is None or shapes[0] != shapes[1]:
        return Movement(layer, index, shapes)
    first, second = a.reshape(-1), b.reshape(-1)
    apart = square_a = square_b = product = largest = 0.0
    flipped = 0
    for start in range(0, len(first), PIECE):
        x = first[start : start + PIECE].astype(np.float64)
        y = second[start : start + PIECE].astype(np.float64)
        difference = y - x
        apart += float(difference @ difference)
        square_a, square_b, product = square_a + float(x @ x), square_b + float(y @ y), product + float(x @ y)
        largest = max(largest, float(np.abs(difference).max(initial=0)))
        flipped += int(np.count_nonzero(x * y < 0))
    scale = math.sqrt(square_a * square_b)
    return Movement(
        layer,
        index,
        shapes,
        _ratio(math.sqrt(apart), math.sqrt(square_a)),
        product / scale if scale > 0 else math.nan,
        largest,
        flipped / len(first) if len(first) else math.nan,
    )


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return 0.0 if part == 0 else math.inf


def movement_report(found: Sequence[Movement], a: str, b: str) -> Report:
    """A table of what moved, most first; blobs that are equal are counted only."""
    moved = [m for m in found if not m.comparable or m.largest > 0]
    moved.sort(key=lambda m: -(m.relative if m.comparable else math.inf))
    rows = []
    for m in moved:
        if m.comparable:
            numbers = [f"{100 * m.relative:.3g} %", f"{m.cosine:.4f}", f"{m.largest:.3g}"]
            rows.append([f"{m.layer}[{m.index}]", *numbers, f"{100 * m.flipped:.2g} %"])
        else:
            shapes = " / ".join("none" if s is None else tables.shape(s) for s in m.shapes)
            rows.append([f"{m.layer}[{m.index}]", shapes, "", "", ""])
    same = len(found) - len(moved)
    title = f"a: {a}\nb: {b}\n{len(moved)} of {len(found)} learned blobs moved"
    remarks = [f"{same} are the same to the last bit"] if same else []
    return Report(
        title, ("blob", "moved", "cosine", "largest", "sign changed"), rows, (1, 2, 3, 4), (4,), remarks
    )
