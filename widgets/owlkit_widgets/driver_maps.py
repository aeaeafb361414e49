"""Maps of what drives a unit, in bytes; and who answers to an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.heatmaps import Heatmap, smooth
from owlkit.inspection.saliency import CLIP_PERCENTILE, Saliency
from owlkit.inspection.units import Unit, label_of

from .activation_tiles import frame_of, planes_of

MOST_LISTED = 5
ZERO = 128  # level of 0 in a signed map


def map_of(found: Heatmap | Saliency) -> NDArray[Any]:
    """(H, W): of gradients the smoothed magnitude, whatever the method."""
    return found.map if isinstance(found, Heatmap) else smooth(found.map)


def levels_of(values: NDArray[Any], *, signed: bool, least: float = 0.0) -> tuple[bytes, float]:
    """(H, W) as uint8, and the limit that its ends stand for, at least `least`.

    signed : 128 is 0, 1 and 255 are the limit, the largest magnitude; NaN is 0. Otherwise 0 to 255, up to
    what 99.5 % of the pixels stay below.
    """
    values = np.nan_to_num(values)
    if signed:
        limit = max(float(np.abs(values).max()), least)
        levels = ZERO + np.rint((ZERO - 1) * values / (limit or 1))
    else:
        limit = max(float(np.percentile(values, CLIP_PERCENTILE)) or float(values.max()), least)
        levels = np.rint(255 * np.clip(values / (limit or 1), 0, 1))
    return levels.astype(np.uint8).tobytes(), limit


def signed_pixels(found: Heatmap | Saliency) -> bytes:
    """The gradient itself around grey, uint8 (H, W, 3); none of an occlusion."""
    if not isinstance(found, Saliency):
        return b""
    levels = np.rint(255 * found.signed).astype(np.uint8)
    return (np.repeat(levels[..., None], 3, 2) if levels.ndim == 2 else levels).tobytes()


def strongest(layer: str, values: NDArray[Any], labels: list[str] | None) -> list[dict[str, Any]]:
    """The channels with the largest values: {unit, name, value}."""
    peaks = np.nan_to_num(planes_of(values).max((1, 2)), nan=-np.inf)
    order = np.argsort(-peaks, kind="stable")[:MOST_LISTED]
    return [
        {"unit": int(c), "name": label_of(Unit(layer, int(c)), len(peaks), labels), "value": float(peaks[c])}
        for c in order
    ]


def answers_of(
    unit: Unit, values: NDArray[Any], field: Any, shape: tuple[int, int]
) -> tuple[dict[str, Any], bytes]:
    """Where a unit's channel answers: its plane as levels (rows, columns) uint8, 0 and below as 0.

    place : (row, column) that is asked about. box : what it sees of an input (H, W) of `shape`. frame : see
    `activation_tiles.frame_of`. A layer without a plane has none of it.
    """
    if unit.row is None or unit.column is None:
        return {"plane": None, "place": None, "box": None, "frame": None}, b""
    plane = np.maximum(np.nan_to_num(values[unit.channel]), 0)
    levels = np.rint(255 * plane / (plane.max() or 1)).astype(np.uint8)
    place = [unit.row, unit.column]
    box = list(field.box(*place, shape)) if field is not None else None
    frame = frame_of(plane.shape, field, shape)
    return {"plane": list(plane.shape), "place": place, "box": box, "frame": frame}, levels.tobytes()
