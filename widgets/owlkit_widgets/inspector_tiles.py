"""A blob's channels as small pictures: levels of one byte, so that a page of them is small enough to send."""

from __future__ import annotations

from typing import Any

import numpy as np

PER_PAGE = 112  # 16 x 7
LARGEST = 56  # pixels of a side: of larger planes each pixel is the extreme of some
VECTOR_COLUMNS = 64


def tiles_of(values: np.ndarray, name: str, page: int) -> dict[str, Any]:
    """The `tiles` trait of a blob (C, H, W) or (C,).

    Level 0 is the lowest value of the whole blob (0 where none is negative), 255 the highest; 1 to 254 lie
    between. dead : channels that are 0 everywhere. zeros : share of values that are 0. data : uint8, tile
    after tile, or one tile for a vector. not_finite : how many values are NaN or infinite; they have level 0.
    """
    planes = values if values.ndim == 3 else _folded(values)
    finite = np.isfinite(values)
    sound = values[finite]
    low = min(float(sound.min(initial=0.0)), 0.0)
    high = float(sound.max(initial=low))
    pages = -(-len(planes) // PER_PAGE)
    page = min(max(page, 0), pages - 1)
    some = planes[page * PER_PAGE : (page + 1) * PER_PAGE]
    dead: Any = np.flatnonzero(~planes.reshape(len(planes), -1).any(1)) if values.ndim == 3 else []
    small = shrunk(np.where(np.isfinite(some), some, 0))
    levels = (small - low) * (255 / (high - low) if high > low else 0)
    return {
        "blob": name,
        "shape": list(values.shape),
        "page": page,
        "pages": pages,
        "first": page * PER_PAGE,
        "count": len(some),
        "height": small.shape[1],
        "width": small.shape[2],
        "low": low,
        "high": high,
        "zeros": float((values == 0).mean()) if values.size else 0.0,
        "dead": [int(channel) for channel in dead],
        "not_finite": int(values.size - finite.sum()),
        "data": np.clip(np.rint(levels), 0, 255).astype(np.uint8).tobytes(),
    }


def _folded(vector: np.ndarray) -> np.ndarray:
    """(C,) as one plane (1, rows, columns), filled up with zeros."""
    columns = min(VECTOR_COLUMNS, len(vector))
    rows = -(-len(vector) // columns)
    plane = np.zeros(rows * columns, vector.dtype)
    plane[: len(vector)] = vector
    return plane.reshape(1, rows, columns)


def shrunk(planes: np.ndarray) -> np.ndarray:
    """Planes of at most LARGEST pixels a side; a pixel is the value furthest from 0 of those under it."""
    step = max(1, -(-max(planes.shape[1:]) // LARGEST)) if planes.shape[2] != VECTOR_COLUMNS else 1
    if step == 1:
        return planes
    height, width = (-(-side // step) for side in planes.shape[1:])
    padded = np.zeros((len(planes), height * step, width * step), planes.dtype)
    padded[:, : planes.shape[1], : planes.shape[2]] = planes
    blocks = padded.reshape(len(planes), height, step, width, step)
    most, least = blocks.max((2, 4)), blocks.min((2, 4))
    return np.where(most >= -least, most, least)
