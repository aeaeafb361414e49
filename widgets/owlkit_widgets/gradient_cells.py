"""A gradient check as what is sent: a byte per element for its map, and a row of facts per blob."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.gradcheck.pattern import describe
from owlkit.inspection.gradcheck.result import BlobCheck, Worst

WAITING, KINK, NO_NUMBER, PENDING = 0, 1, 2, 3
"""Codes of elements that have no error; PENDING disagrees and may yet turn out to be a kink."""
RIGHT, WRONG, LAST = 4, 132, 255
"""Codes from RIGHT on are errors up to the tolerance, from WRONG on those above it, both on a log scale."""
SMALLEST = -12.0
"""log10 of the error that RIGHT stands for, and whatever is smaller; LAST stands for 1 and more."""


def codes(check: BlobCheck, settled: bool) -> NDArray[np.uint8]:
    """(elements,) uint8. settled : disagreeing elements are known to be no kinks."""
    out = np.zeros(check.elements.size, np.uint8)
    done = min(check.done, out.size)
    error = check.error[:done]
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.clip(np.log10(error), SMALLEST, 0.0)
    limit = math.log10(check.tolerance)
    right = error <= check.tolerance
    below = RIGHT + (WRONG - 1 - RIGHT) * (size - SMALLEST) / (limit - SMALLEST)
    above = WRONG + (LAST - WRONG) * (size - limit) / (0.0 - limit) if limit < 0 else np.full(done, LAST)
    level = np.where(right, below, above if settled else PENDING)
    level[np.isnan(size)] = LAST if settled else PENDING
    level[~np.isfinite(check.analytic[:done])] = NO_NUMBER
    out[:done] = np.rint(level).astype(np.uint8)
    out[:done][check.kink[:done]] = KINK
    return out


def number(value: float) -> float | str:
    """As JSON can carry it."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else ("−Inf" if value < 0 else "Inf")


def element(check: BlobCheck, k: int, worst: Worst) -> dict[str, Any]:
    """What is known about one element. offset : its place in memory order."""
    return {
        "k": k,
        "index": list(worst.index),
        "offset": int(check.elements[k]),
        "value": number(worst.value),
        "analytic": number(worst.analytic),
        "numeric": number(worst.numeric),
        "error": number(worst.error),
        "kink": bool(check.kink[k]),
    }


def row(check: BlobCheck, settled: bool) -> dict[str, Any]:
    """The facts about a blob. verdict : "checking" until it is settled."""
    k = check.worst_position
    worst = None if k is None else element(check, k, check.element(k))
    finite = [error for error in check.directions if not math.isnan(error)]
    return {
        "layer": check.layer,
        "type": check.type,
        "blob": check.slot.label,
        "shape": list(check.shape),
        "count": check.count,
        "number": int(check.elements.size),
        "done": check.done,
        "worst": worst,
        "median": None if k is None else number(check.median),
        "kinks": check.kinks,
        "wrong": check.wrong_elements if settled else 0,
        "directions": len(check.directions),
        "wrong_directions": check.wrong_directions,
        "worst_direction": number(max(finite)) if finite else None,
        "verdict": check.verdict if settled else "checking",
        "pattern": describe(check) if settled else "",
        "faults": list(check.told),
        "known": check.known if settled and check.verdict == "known" else "",
        "curve": [[step, number(error)] for step, error in check.curve],
    }


def positions(check: BlobCheck | None) -> NDArray[np.uint32]:
    """Places in the blob of the elements that are checked; none where they are all of it."""
    if check is None or check.elements.size == check.count:
        return np.zeros(0, np.uint32)
    return np.asarray(check.elements, np.uint32)


def waiting(expected: Any) -> dict[str, Any]:
    """The row of a blob whose turn has not come."""
    shape = list(expected.shape)
    zero = dict.fromkeys(("done", "kinks", "wrong", "directions", "wrong_directions"), 0)
    none = dict.fromkeys(("worst", "median", "worst_direction"))
    empty: dict[str, Any] = {"faults": [], "curve": [], "pattern": "", "known": "", "code": ""}
    named = {"layer": expected.layer, "type": expected.type, "blob": expected.slot.label, "shape": shape}
    count = int(np.prod(shape))
    return named | {"count": count, "number": expected.number, "verdict": "waits"} | zero | none | empty
