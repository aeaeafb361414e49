"""The rows of the still picture's layers panel: as js/src/layers-text.js has them, in the net's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import words
from .histograms import KINDS

HISTOGRAM = 48  # pixels
Moments = Sequence[tuple[int, NDArray[np.float32]]]


@dataclass(frozen=True)
class Opened:
    """What was open in the panel. layers : their names. histograms : (layer, kind) -> (iteration, row)."""

    layers: tuple[str, ...] = ()
    histograms: Mapping[tuple[str, str], Moments] | None = None

    @classmethod
    def of(cls, monitor: Any) -> Opened:
        """Taken at one moment."""
        panels = monitor.panels
        with panels.lock:
            kept = {key: list(table.rows) for key, table in panels.histograms.items() if table.rows}
        return cls(tuple(monitor.view.get("layerOpen", ())), kept)


@dataclass(frozen=True)
class Row:
    """A strip. param : whose norms it shows. main : a layer's own. moments : of a row of histograms."""

    name: str
    param: dict[str, Any]
    main: bool
    height: float
    moments: Moments | None = None


def rows_of(layers: Sequence[dict[str, Any]], opened: Opened, tall: float) -> list[Row]:
    """A row for each layer, and beneath those that are open their other parameters and histograms."""
    found = []
    for layer in layers:
        shown = main_param(layer)
        found.append(Row(layer["name"], shown, True, tall))
        if layer["name"] not in opened.layers:
            continue
        found += [Row(p["name"], p, False, tall) for p in layer["params"] if p is not shown]
        for kind in KINDS:
            moments = (opened.histograms or {}).get((layer["name"], kind))
            if moments:
                found.append(Row(kind, shown, False, HISTOGRAM, moments))
    return found


def main_param(layer: dict[str, Any]) -> dict[str, Any]:
    """The first that learns, else the first."""
    found: dict[str, Any] = next((p for p in layer["params"] if not p["fixed"]), layer["params"][0])
    return found


def histogram_words(row: NDArray[Any]) -> str:
    """What a histogram says in words: its ends, zeros, what is not finite."""
    least, most = (words.signed(float(value), 2) for value in row[2:4])
    parts = [f"{least} to {most}"]
    if row[4] >= 0.005:
        parts.append(f"{round(100 * float(row[4]))}\u202f% zero")
    if row[5] > 0:
        parts.append("NaN or Inf")
    return ", ".join(parts)
