"""Small planes side by side in one array."""

from __future__ import annotations

import math

import numpy as np


def tile_grid(
    planes: np.ndarray, *, gap: int = 1, columns: int | None = None, fill: float = np.nan
) -> np.ndarray:
    """Planes (n, H, W) or (n, H, W, 3) in rows of `columns` (by default a square), `gap` pixels apart."""
    count, height, width = planes.shape[:3]
    columns = columns or max(1, math.ceil(math.sqrt(count)))
    rows = max(1, -(-count // columns))
    dtype = planes.dtype if planes.dtype.kind == "f" else np.float32
    grid = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, *planes.shape[3:]), fill, dtype
    )
    for index, plane in enumerate(planes):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        grid[top : top + height, left : left + width] = plane
    return grid
