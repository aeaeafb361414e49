"""ArgMax without sorting against sorting, with ties, infinities and NaN."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.one_layer import OneLayer


def _sorted(rows: np.ndarray, count: int) -> np.ndarray:
    """Of equal values the highest index first; NaN after all numbers."""
    order = np.argsort(-rows[..., ::-1], axis=-1, kind="stable")[..., :count]
    return rows.shape[-1] - 1 - order


@pytest.mark.parametrize("content", ["ties", "infinities", "nan"])
@pytest.mark.parametrize("top_k", [1, 3, 20])
@pytest.mark.parametrize("classes", [21, 300])
def test_highest_of_each_row(content: str, top_k: int, classes: int) -> None:
    rng = np.random.default_rng(classes)
    x = np.round(rng.standard_normal((2, classes, 3, 4)) * 2).astype(np.float32)
    if content == "infinities":
        x[0, :5], x[1, 7:] = np.inf, -np.inf
    if content == "nan":
        x[0, 3, 1, 1] = x[1, :, 2, 2] = np.nan
    found = OneLayer(f'type: "ArgMax" argmax_param {{ axis: 1 top_k: {top_k} }}', x).forward()[0]
    np.testing.assert_array_equal(found, np.moveaxis(_sorted(np.moveaxis(x, 1, -1), top_k), -1, 1))
    found = OneLayer(f'type: "ArgMax" argmax_param {{ top_k: {top_k} }}', x).forward()[0]
    np.testing.assert_array_equal(found[:, 0, :, 0], _sorted(x.reshape(2, -1), top_k))
