"""Analytic against numeric slopes: the relative error of each element, kinks told from mistakes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from owlkit.inspection.gradcheck import sampling
from owlkit.inspection.gradcheck.probe import Direction, Probe, Slot
from owlkit.inspection.gradcheck.result import BlobCheck

SHRINK = (0.1, 0.01, 1e-3, 1e-4)  # of the step: what is tried where the first disagrees
AT_KINK = 0.01  # of the step: where it is decided whether there is a kink; below that, rounding shows
KINK = 1e-3  # left and right slopes that go on differing by more, relative to the largest, mark a kink
LASTING = 0.3  # of the difference must be left at the smallest step: curvature shrinks with it, kinks do not
MOST_NEAR = 8  # elements close to a kink that are left out of a direction
SMALL = 0.01  # of the blob's largest slope: errors of smaller slopes are measured against this
CURVE_STEPS = tuple(10.0**e for e in range(-10, 0))
MOST_TIES = 16  # values at which ties are tried


def relative_error(analytic: float, numeric: float, floor: float) -> float:
    """|a - n| / max(|a|, |n|, floor); infinite where either is no number."""
    if not np.isfinite(analytic) or not np.isfinite(numeric):
        return float("inf")
    largest = max(abs(analytic), abs(numeric), floor)
    return abs(analytic - numeric) / largest if largest else 0.0


class Comparison:
    """Fills the BlobCheck of one slot; what is known so far is always in it.

    tick : called after each element, for progress.
    """

    def __init__(self, probe: Probe, check: BlobCheck, step: float, tick: Callable[[], None]) -> None:
        self.probe, self.check, self.tick = probe, check, tick
        self.slot: Slot = check.slot
        self.relative = step
        self.step = probe.step_for(self.slot, step)
        self.noise = probe.rounding / self.step

    def elements(self) -> None:
        """Every element of the sample; those that disagree are looked at again once the scale is known."""
        check = self.check
        gaps = np.zeros(check.elements.size)
        looked_at = 0
        try:
            for k, element in enumerate(check.elements):
                left, right = self.probe.slopes(self._one(int(element)), self.step)
                gaps[k], check.numeric[k] = abs(left - right), (left + right) / 2
                check.error[k] = self._error(check.analytic[k], check.numeric[k])
                check.done = k + 1
                self.tick()
            for k in np.flatnonzero(~(self._errors() <= check.tolerance)).tolist():
                self._refine(k, gaps[k])
                looked_at = k + 1
                self.tick()
        except KeyboardInterrupt:
            check.drop_disagreeing(looked_at)
            raise

    def _errors(self) -> np.ndarray:
        check = self.check
        for k in range(check.done):
            check.error[k] = self._error(check.analytic[k], check.numeric[k])
        return check.error

    @property
    def scale(self) -> float:
        """The largest slope that was measured in this blob."""
        return float(np.abs(self.check.numeric[: self.check.done]).max(initial=0))

    def _error(self, analytic: float, numeric: float) -> float:
        floor = max(SMALL * self.scale, self.noise / self.check.tolerance)
        return relative_error(analytic, numeric, floor)

    def _one(self, element: int) -> Direction:
        return {self.slot: (np.array([element]), np.ones(1))}

    def _refine(self, k: int, gap: float) -> None:
        """Smaller steps: a kink nearby is left behind, one right here shows as a gap that stays."""
        check, scale = self.check, self.scale
        for factor in SHRINK:
            step = self.step * factor
            left, right = self.probe.slopes(self._one(int(check.elements[k])), step)
            if factor == AT_KINK:
                at_left, at_right = left, right
            error = self._error(check.analytic[k], (left + right) / 2)
            if error < check.error[k]:
                check.error[k], check.numeric[k] = error, (left + right) / 2
            if check.error[k] <= check.tolerance:
                return
        if np.isfinite(check.analytic[k]):
            left_over = abs(at_left - at_right) - 4 * self.noise / AT_KINK
            is_kink = left_over > KINK * max(abs(at_left), abs(at_right), SMALL * scale)
            check.kink[k] = is_kink and abs(at_left - at_right) > LASTING * gap

    def curve(self, element: int | None = None) -> None:
        """An element's error over many steps: a valley where the gradient is right, flat where not.

        Without the allowance for rounding, so that it shows. By default of the worst element.
        """
        check, k = self.check, self.check.worst_position
        if element is not None:
            k = int(np.flatnonzero(check.elements == element)[0])
        if k is None:
            return
        floor, typical = SMALL * self.scale, self.step / self.relative
        for step in sorted({*CURVE_STEPS, self.relative}):
            left, right = self.probe.slopes(self._one(int(check.elements[k])), step * typical)
            check.curve.append((step, relative_error(check.analytic[k], (left + right) / 2, floor)))

    # -- directions
    def directions(self, number: int, gradient: np.ndarray, rng: np.random.Generator) -> None:
        """The blob as a whole along random directions; where one is wrong, the element is searched for."""
        values = self.probe.values(self.slot).reshape(-1)
        for _ in range(number):
            signs = sampling.direction(values, rng)
            everything = np.arange(values.size)
            size = float(np.linalg.norm(gradient))
            error = self._along(everything, signs, gradient, size)
            self.check.directions.append(error)
            self.tick()
            if error > self.check.tolerance and not self.check.wrong_elements:
                self.check.directions[-1] = self._explained(everything, signs, gradient, error)

    def _explained(self, chosen: np.ndarray, signs: np.ndarray, gradient: np.ndarray, error: float) -> float:
        """The error along a direction that looks wrong, NaN where an element at a kink explains it.

        An element that is right by itself stands close to a kink (two values of a window that almost tie):
        its own smaller step leaves that behind, the common one does not. It is left out then.
        """
        for _ in range(MOST_NEAR):
            element = self._search(chosen, signs, gradient)
            if self.check.kink[-1]:
                return float("nan")
            if self.check.error[self.check.done - 1] > self.check.tolerance:
                break
            chosen = chosen[chosen != element]
            error = self._along(chosen, signs, gradient, float(np.linalg.norm(gradient)))
            if not error > self.check.tolerance:
                break
        return error

    def _along(self, chosen: np.ndarray, signs: np.ndarray, gradient: np.ndarray, size: float) -> float:
        """Smallest relative error of the slope over the steps; NaN where the direction runs along a kink."""
        along = {self.slot: (chosen, signs[chosen])}
        analytic = float(gradient[chosen] @ signs[chosen])
        best, gaps = float("inf"), []
        floor = max(SMALL * size, self.noise / self.check.tolerance)
        for factor in (1.0, *SHRINK):
            left, right = self.probe.slopes(along, self.step * factor)
            best = min(best, relative_error(analytic, (left + right) / 2, floor))
            if best <= self.check.tolerance:
                return best
            gaps.append(abs(left - right))
            if factor == AT_KINK:
                large = KINK * max(abs(left), abs(right), SMALL * size)
                stays = gaps[-1] > max(large + 4 * self.noise / AT_KINK, LASTING * gaps[0])
        return float("nan") if stays and np.isfinite(analytic) else best

    def _search(self, everything: np.ndarray, signs: np.ndarray, gradient: np.ndarray) -> int:
        """Add the element to blame to the sample; returns it."""

        def difference(part: np.ndarray) -> float:
            left, right = self.probe.slopes({self.slot: (part, signs[part])}, self.step * SHRINK[0])
            self.tick()
            return float(gradient[part] @ signs[part]) - (left + right) / 2

        element = sampling.locate(everything, difference)
        left, right = self.probe.slopes(self._one(element), self.step)
        self.check.add(element, float(gradient[element]), (left + right) / 2)
        k = self.check.done - 1
        self.check.error[k] = self._error(self.check.analytic[k], self.check.numeric[k])
        if self.check.error[k] > self.check.tolerance:
            self._refine(k, abs(left - right))
        return element


def check_ties(probe: Probe, checks: list[BlobCheck], gradients: dict[Slot, np.ndarray], step: float) -> None:
    """Elements at a kink that have one value are moved together: what they share must add up.

    Elements that tie for a maximum make a kink each, and a smooth slope together; a layer that gives each of
    them the whole gradient is found so. Where the common direction is a kink too (ReLU at 0), the analytic
    slope has to lie between the one on the left and the one on the right.
    """
    bottoms = [check for check in checks if not check.slot.learned]
    flat = {c.slot: sampling.rounded(probe.values(c.slot).reshape(-1)) for c in bottoms}
    kinks = [flat[c.slot][c.elements[: c.done][c.kink[: c.done]]] for c in bottoms]
    if not any(found.size for found in kinks):
        return
    for value in np.unique(np.concatenate(kinks))[:MOST_TIES]:
        near = 2 * sampling.ROUNDING * max(abs(float(value)), 1e-2)
        same = {slot: np.flatnonzero(np.abs(values - value) <= near) for slot, values in flat.items()}
        along = {slot: (where, np.ones(where.size)) for slot, where in same.items() if where.size}
        analytic = float(sum(gradients[slot][where].sum() for slot, (where, _) in along.items()))
        small = step * AT_KINK * max(abs(float(value)), 1.0)
        left, right = probe.slopes(along, small)
        slack = KINK * max(abs(left), abs(right)) + 4 * probe.rounding / small
        if not min(left, right) - slack <= analytic <= max(left, right) + slack:
            number = sum(where.size for where, _ in along.values())
            culprit = next(c for c, found in zip(bottoms, kinks, strict=True) if (found == value).any())
            culprit.faults.append(
                f"{number} elements with the value {value:g} moved together: backward gives a slope of "
                f"{analytic:.6g}, on the left it is {left:.6g} and on the right {right:.6g}"
            )
