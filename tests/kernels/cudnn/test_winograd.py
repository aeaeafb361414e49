"""Which of Winograd's tiles are as exact as a plain sum: what `Rules.barred` goes by."""

from __future__ import annotations

import numpy as np
import pytest

# The transforms of an output, a filter of 3 and an input (Lavin and Gray, Fast algorithms for convolutional
# neural networks, 2016), by the length of a tile.
OUTPUT = {4: [[1, 1, 1, 0], [0, 1, -1, -1]]}
FILTER = {4: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]]}
INPUT = {4: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]}
OUTPUT[6] = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
FILTER[6] = [
    [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
]  # fmt: skip
INPUT[6] = [
    [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
]  # fmt: skip
CHANNELS, TILES = 64, 400


def plain(x: np.ndarray, w: np.ndarray, dtype: str) -> np.ndarray:
    """A 3x3 correlation, summed over channels; (tiles, out, out)."""
    out = x.shape[-1] - 2
    total = np.zeros((len(x), out, out), dtype)
    for c in range(CHANNELS):
        for a in range(3):
            for b in range(3):
                total += w[c, a, b].astype(dtype) * x[:, c, a : a + out, b : b + out].astype(dtype)
    return total


def by_tiles(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The same by Winograd's transforms, all in float32."""
    a, g, b = (np.array(found[x.shape[-1]], np.float32) for found in (OUTPUT, FILTER, INPUT))
    filters, inputs = g @ w @ g.T, b @ x @ b.T
    total = np.zeros_like(inputs[:, 0])
    for c in range(CHANNELS):
        total += filters[c] * inputs[:, c]
    return a @ total @ a.T


@pytest.mark.parametrize(("tile", "least", "most"), [(4, 0.2, 1.0), (6, 3.0, 10.0)])
def test_what_a_tile_costs(tile: int, least: float, most: float) -> None:
    """Errors in float32, as multiples of the plain sum's."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((TILES, CHANNELS, tile, tile), np.float32)
    w = rng.standard_normal((CHANNELS, 3, 3), np.float32)
    exact = plain(x, w, "float64")
    np.testing.assert_allclose(by_tiles(x, w), exact, atol=1e-3)
    found, sums = (np.sqrt(np.mean((y - exact) ** 2)) for y in (by_tiles(x, w), plain(x, w, "float32")))
    assert least < found / sums < most
