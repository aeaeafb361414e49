"""Which layers learn too fast or hardly at all: by fixed limits, and compared with the net's own median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .norms import log_ratios

HOT, FROZEN = -2.0, -4.5
"""log10 of update : weight. Around -3 is what trains well (A. Karpathy, CS231n notes, ratio of updates)."""
APART = 0.5
"""Decades (a factor of three) from the net's median: a low learning rate freezes no single layer."""
STEADY = 5
"""Rows over which a median is taken, so that one noisy iteration is no judgement."""


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

    whole : "hot" or "frozen" where the median itself is beyond a limit, else "".
    """

    median: float | None
    flags: tuple[Judged, ...]
    whole: str = ""

    def row(self) -> dict[str, Any]:
        """As it is sent."""
        return {"median": self.median, "whole": self.whole, "flags": [flag.row() for flag in self.flags]}


def judge(iters: NDArray[Any], values: NDArray[Any], judged: list[int]) -> Health:
    """Judge the parameters `judged` by rows (n,) iterations and (n, 2, count) norms, latest last."""
    if not len(iters) or not judged:
        return Health(None, ())
    values = values[:, :, judged]
    steady = _running_median(log_ratios(values))
    median = _row_medians(steady)
    kinds = _kinds(steady, median)
    kinds[~np.isfinite(values).all(axis=1)] = 3
    flags = []
    for column in np.flatnonzero(kinds[-1]):
        kind = kinds[-1, column]
        other = np.flatnonzero(kinds[:, column] != kind)
        first = int(other[-1]) + 1 if len(other) else 0
        flags.append(Judged(judged[column], ("", "hot", "frozen", "nan")[kind], int(iters[first])))
    now = None if np.isnan(median[-1]) else float(median[-1])
    whole = "" if now is None else "hot" if now > HOT else "frozen" if now < FROZEN else ""
    return Health(now, tuple(flags), whole)


def _kinds(steady: NDArray[Any], median: NDArray[Any]) -> NDArray[np.int8]:
    """Per row and parameter 1 hot, 2 frozen, 0 neither."""
    kinds = np.zeros(steady.shape, np.int8)
    apart = steady - median[:, None]
    kinds[(steady > HOT) & (apart > APART)] = 1
    kinds[(steady < FROZEN) & (apart < -APART)] = 2
    return kinds


def _running_median(rows: NDArray[Any]) -> NDArray[Any]:
    """Median of each row and the `STEADY - 1` before it; NaN only where all are."""
    padded = np.concatenate([np.full((STEADY - 1, rows.shape[1]), np.nan), rows])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, STEADY, axis=0), axis=-1)
    known = np.isfinite(windows).sum(-1)  # NaN sorts last
    middle = np.maximum(known - 1, 0) // 2
    return np.asarray(np.take_along_axis(windows, middle[..., None], -1)[..., 0])


def _row_medians(rows: NDArray[Any]) -> NDArray[Any]:
    ordered = np.sort(rows, axis=1)
    middle = np.maximum(np.isfinite(ordered).sum(1) - 1, 0) // 2
    return np.asarray(ordered[np.arange(len(rows)), middle])
