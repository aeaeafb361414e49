"""Which layers learn too fast or hardly at all: by fixed limits, and compared with the net's own median."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .norms import log_ratios

HOT, FROZEN = -2.0, -4.5
"""log10 of update : weight. Around -3 is what trains well (A. Karpathy, CS231n notes, ratio of updates)."""
APART = 0.5
"""Decades (a factor of three) from the net's median: a low learning rate freezes no single layer."""
KINDS = ("", "hot", "frozen", "nan")
BEGINNING = 100
"""Iterations: what is seen from later on may have learned before, and nothing is said of how it began."""
STEADY = 5
"""Samples over which a median is taken, so that one noisy iteration is no judgement."""


@dataclass(frozen=True)
class Judged:
    """A layer that needs a look. index : parameter. kind : "hot", "frozen" or "nan". since : iteration."""

    index: int
    kind: str
    since: int

    def row(self) -> dict[str, Any]:
        """As it is sent."""
        return {"index": self.index, "kind": self.kind, "since": self.since}


@dataclass(frozen=True)
class Health:
    """median : log10 of update : weight over the judged parameters, None where unknown. flags : by index.

    whole : where the median itself is beyond a limit, "hot", "frozen" or "settled"; else "". Both of the
        latter change little: frozen has from its beginning, settled has not, or its beginning was not seen. A
        net that has learned settles.
    """

    median: float | None
    flags: tuple[Judged, ...]
    whole: str = ""

    def row(self) -> dict[str, Any]:
        """As it is sent."""
        return {"median": self.median, "whole": self.whole, "flags": [flag.row() for flag in self.flags]}


class Judge:
    """Keeps what is said of the parameters `judged` up to date, row by row: O(parameters), not O(rows)."""

    def __init__(self, judged: list[int]) -> None:
        self.judged = judged
        self.health = Health(None, ())
        self._ratios: deque[NDArray[Any]] = deque(maxlen=STEADY)
        self._flags: dict[int, Judged] = {}
        self._moved: bool | None = None  # whether it may have learned; None before the first sample

    def add(self, iteration: int, norms: NDArray[Any]) -> Health:
        """Take in norms (2, count) of weights and of their updates, iteration after iteration."""
        if not self.judged:
            return self.health
        norms = norms[:, self.judged]
        self._ratios.append(log_ratios(norms[None])[0])
        steady = _medians(np.stack(self._ratios, axis=1))
        known = np.sort(steady[np.isfinite(steady)])
        median = float(known[(len(known) - 1) // 2]) if len(known) else None
        kinds = _kinds(steady, median)
        whole = self._whole(iteration, median)
        if whole == "settled":  # who was not frozen before has settled with the others
            kinds[(kinds == 2) & ~np.isin(self.judged, self._frozen())] = 0
        kinds[~np.isfinite(norms).all(axis=0)] = 3
        flags = [self._flag(self.judged[k], KINDS[kinds[k]], iteration) for k in np.flatnonzero(kinds)]
        self._flags = {flag.index: flag for flag in flags}
        self.health = Health(median, tuple(flags), whole)
        return self.health

    def _whole(self, iteration: int, median: float | None) -> str:
        """`Health.whole`, which depends on how the net began."""
        if self._moved is None:
            self._moved = iteration > BEGINNING
        if median is None:
            return ""
        self._moved = self._moved or median >= FROZEN
        if median > HOT:
            return "hot"
        return "" if median >= FROZEN else "settled" if self._moved else "frozen"

    def _frozen(self) -> list[int]:
        return [index for index, flag in self._flags.items() if flag.kind == "frozen"]

    def _flag(self, index: int, kind: str, iteration: int) -> Judged:
        """As it was, with its `since`, where the kind is still the same."""
        before = self._flags.get(index)
        return before if before is not None and before.kind == kind else Judged(index, kind, iteration)


def _kinds(steady: NDArray[Any], median: float | None) -> NDArray[np.int8]:
    """Per parameter a place in KINDS, from its ratio (parameters,) and the net's median."""
    kinds = np.zeros(steady.shape, np.int8)
    if median is not None:
        kinds[(steady > HOT) & (steady - median > APART)] = 1
        kinds[(steady < FROZEN) & (steady - median < -APART)] = 2
    return kinds


def _medians(rows: NDArray[Any]) -> NDArray[Any]:
    """Median of each row's known values; NaN only where none is."""
    ordered = np.sort(rows, axis=1)  # NaN sorts last
    middle = np.maximum(np.isfinite(ordered).sum(1) - 1, 0) // 2
    return np.asarray(ordered[np.arange(len(rows)), middle])
