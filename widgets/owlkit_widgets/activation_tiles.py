"""What a layer made of an image, in bytes: all channels small, and one as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from owlkit.inspection.layerwise import silent
from owlkit.inspection.receptive_field import ReceptiveField

from .inspector_tiles import shrunk

BINS = 29


def planes_of(values: NDArray[Any]) -> NDArray[Any]:
    """(C, H, W) of (C, H, W) or (C,)."""
    return values.reshape(values.shape if values.ndim == 3 else (len(values), 1, 1))


def channels_of(values: NDArray[Any]) -> tuple[dict[str, Any], bytes]:
    """All channels of (C, H, W) or (C,): facts, and levels (channels, height, width) uint8.

    Level 0 is the channel's entry in `lows`, 255 that in `highs`; larger planes are sent smaller, each pixel
    the extreme of some. dead : channels without a positive value, of layers with a plane. broken : channels
    with values that are NaN or infinite; these have level 0 and are left out of everything else.
    zeros : share of values that are 0. Lists have an entry per channel, rounded to six digits.
    """
    planes = planes_of(values)
    finite = np.isfinite(planes)
    broken = np.flatnonzero(~finite.all((1, 2)))
    sound = np.where(finite, planes, 0)
    lows, highs = sound.min((1, 2)), sound.max((1, 2))
    small = shrunk(sound)
    dead = [int(c) for c in silent(sound)] if planes[0].size > 1 else []
    facts = {
        "channels": len(planes),
        "plane": list(planes.shape[1:]),
        "height": small.shape[1],
        "width": small.shape[2],
        "low": float(lows.min()),
        "high": float(highs.max()),
        "lows": _short(lows),
        "highs": _short(highs),
        "means": _short(sound.mean((1, 2))),
        "zeros": float((planes == 0).mean()),
        "dead": [c for c in dead if c not in set(broken.tolist())],
        "broken": broken.tolist(),
    }
    return facts, levels(small, lows, highs).tobytes()


def levels(planes: NDArray[Any], lows: NDArray[Any], highs: NDArray[Any]) -> NDArray[np.uint8]:
    """(n, H, W) as uint8, each plane from its low (0) to its high (255); a flat plane is 0."""
    reach = (highs - lows)[:, None, None]
    share = (planes - lows[:, None, None]) / np.where(reach, reach, 1)
    return np.clip(np.rint(255 * share), 0, 255).astype(np.uint8)


def channel_of(
    values: NDArray[Any], channel: int, field: ReceptiveField | None, shape: tuple[int, int]
) -> tuple[dict[str, Any], bytes]:
    """One channel: facts, and its levels (H, W) uint8, as those of `channels_of`.

    place : (row, column) of its largest value. box : what it sees there, (top, left, bottom, right) in an
    input (H, W) of `shape`. frame : where the plane lies over the input, the middle of each unit's field at
    the middle of its pixel. counts : histogram from `low` to `high`.
    """
    plane = planes_of(values)[channel]
    sound = np.where(np.isfinite(plane), plane, 0)
    low, high = sound.min(), sound.max()
    row, column = (int(i) for i in np.unravel_index(int(sound.argmax()), sound.shape))
    about: dict[str, Any] = {
        "channel": channel,
        "plane": list(plane.shape),
        "low": float(low),
        "high": float(high),
        "mean": float(sound.mean()),
        "zeros": float((plane == 0).mean()),
        "positive": float((plane > 0).mean()),
        "place": [row, column],
        "box": list(field.box(row, column, shape)) if field is not None else None,
        "frame": frame_of(plane.shape, field, shape),
        "counts": np.histogram(sound, BINS, (low, high if high > low else low + 1))[0].tolist(),
    }
    return about, levels(sound[None], low[None], high[None]).tobytes()


def frame_of(plane: tuple[int, ...], field: ReceptiveField | None, shape: tuple[int, int]) -> list[float]:
    """(top, left, bottom, right) of a plane laid over the input; all of it where its place is not known."""
    if field is None or tuple(plane) == (1, 1):
        return [0.0, 0.0, float(shape[0]), float(shape[1])]
    return list(field.frame(plane))


def _short(numbers: NDArray[Any]) -> list[float]:
    return [float(f"{number:.6g}") for number in numbers]
