"""What was found out about one blob."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from owlkit.inspection.gradcheck.probe import Slot

GLYPHS = {
    "passes": "✓",
    "wrong": "✕",
    "unasked": "!",
    "known": "~",
    "kinks": "^",
    "waits": "–",
}  # of a verdict


@dataclass
class Worst:
    """An element with both of its gradients."""

    index: tuple[int, ...]
    value: float
    analytic: float
    numeric: float
    error: float


@dataclass
class BlobCheck:
    """The gradient of one bottom or learned blob of one layer.

    elements : (n,) positions in C order that are checked one by one; the first `done` of them have been.
    analytic, numeric, error : (n,) float64, from backward, from central differences, and relative.
    kink : (n,) bool, where the objective has no slope. directions : relative error along each random
    direction, NaN for one that runs along a kink. faults : what else is wrong, in words.
    unasked : whether backward writes it although propagate_down is false for it.
    known : why Caffe's gradient is not the true one here, or "".
    settled : whether nothing will change any more; before, elements that disagree may be kinks.
    curve : (relative step, relative error) of the worst element at many steps, where that was measured.
    """

    layer: str
    type: str
    slot: Slot
    shape: tuple[int, ...]
    tolerance: float
    elements: np.ndarray
    analytic: np.ndarray
    values: np.ndarray
    known: str = ""
    nonzero: float = 1.0
    done: int = 0
    directions: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unasked: bool = False
    settled: bool = False
    curve: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.numeric = np.zeros(self.elements.size)
        self.error = np.full(self.elements.size, np.nan)
        self.kink = np.zeros(self.elements.size, bool)

    def add(self, element: int, analytic: float, numeric: float) -> None:
        """One more element than the sample had."""
        self.elements = np.append(self.elements, element)
        self.analytic = np.append(self.analytic, analytic)
        self.numeric = np.append(self.numeric, numeric)
        self.error, self.kink = np.append(self.error, np.nan), np.append(self.kink, False)
        self.done = self.elements.size

    def drop_disagreeing(self, start: int) -> None:
        """Leave elements from `start` on that disagree out: there was no time to tell kinks from mistakes."""
        agree = self.error[: self.done] <= self.tolerance
        keep = np.flatnonzero(agree | (np.arange(self.done) < start))
        for name in ("elements", "analytic", "numeric", "error", "kink"):
            setattr(self, name, getattr(self, name)[keep])
        self.done = keep.size

    @property
    def count(self) -> int:
        return int(np.prod(self.shape))

    @property
    def kinks(self) -> int:
        return int(self.kink.sum())

    @property
    def _counted(self) -> np.ndarray:
        """Positions in the sample of elements that are done and at no kink."""
        return np.flatnonzero(~self.kink[: self.done])

    @property
    def wrong_elements(self) -> int:
        return int((~(self.error[self._counted] <= self.tolerance)).sum())

    @property
    def wrong_directions(self) -> int:
        return sum(error > self.tolerance for error in self.directions)

    @property
    def worst_position(self) -> int | None:
        """Which of the sample has the largest relative error; None where no element was checked."""
        counted = self._counted
        return int(counted[np.argmax(self.error[counted])]) if counted.size else None

    @property
    def worst(self) -> Worst | None:
        """The element with the largest relative error; None where no element was checked."""
        k = self.worst_position
        return None if k is None else self.element(k)

    def element(self, k: int) -> Worst:
        """The k-th of the sample."""
        index = tuple(int(i) for i in np.unravel_index(int(self.elements[k]), self.shape))
        value = float(self.values.reshape(-1)[self.elements[k]])
        return Worst(index, value, float(self.analytic[k]), float(self.numeric[k]), float(self.error[k]))

    @property
    def median(self) -> float:
        counted = self._counted
        return float(np.median(self.error[counted])) if counted.size else float("nan")

    @property
    def verdict(self) -> str:
        """ "passes", "wrong", "unasked" (right, but written although propagate_down is false), "known"
        (wrong as in Caffe), "kinks" (nothing else was found) or "waits".
        """
        if self._is_wrong:
            return "known" if self.known else "wrong"
        if self.unasked:
            return "unasked"
        if self._counted.size or self.directions or not self.count:
            return "passes"
        return "kinks" if self.done else "waits"

    @property
    def _is_wrong(self) -> bool:
        return bool(self.faults or self.wrong_elements or self.wrong_directions)

    @property
    def told(self) -> list[str]:
        """What is amiss besides single elements, in words."""
        if not self.unasked:
            return self.faults
        right = "" if self._is_wrong else "right, but "
        advice = f"put `if propagate_down[{self.slot.index}]:` around what writes it"
        words = f"its gradient is {right}written although propagate_down is false for it; {advice}"
        return [*self.faults, words]

    def explain(self) -> list[str]:
        """What is wrong or unasked, a line each; nothing for a blob that passes."""
        lines = []
        worst = self.worst
        if self.wrong_elements and worst is not None:
            lines.append(
                f"{self.layer} ({self.type}): {self.slot}{list(worst.index)} = {worst.value:.6g}: backward "
                f"gives {worst.analytic:.9g}, central difference {worst.numeric:.9g}, "
                f"relative error {worst.error:.2g}; {self.wrong_elements} of {self.done} elements are wrong"
            )
        elif self.wrong_directions:
            lines.append(
                f"{self.layer} ({self.type}): {self.slot}: wrong along {self.wrong_directions} of "
                f"{len(self.directions)} random directions, relative error {np.nanmax(self.directions):.2g}"
            )
        lines += [f"{self.layer} ({self.type}): {self.slot}: {fault}" for fault in self.told]
        return [f"{line} [known: {self.known}]" for line in lines] if self.known else lines
