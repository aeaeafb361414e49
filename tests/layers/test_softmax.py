"""Softmax: what the golden cases do not show."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.one_layer import OneLayer


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_axis_of_a_channels_last_blob(axis: int, dtype: str) -> None:
    net = OneLayer(f'type: "Softmax" softmax_param {{ axis: {axis} }}', (2, 5, 3, 4), dtype=dtype)
    x = net.bottom[0].data.astype(np.float64)
    (y,) = net.forward()
    expected = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(y, expected, rtol=2e-6)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    (dx,) = net.backward(dy)
    wanted = expected * (dy - (expected * dy).sum(axis=axis, keepdims=True))
    np.testing.assert_allclose(dx, wanted, atol=1e-6)


def test_large_scores_do_not_overflow() -> None:
    (y,) = OneLayer('type: "Softmax"', [[1000.0, 999.0], [-1e30, 1e30]]).forward()
    np.testing.assert_allclose(y, [[0.7310586, 0.2689414], [0, 1]], rtol=1e-5)


def test_in_place() -> None:
    apart, together = OneLayer('type: "Softmax"', (3, 4)), OneLayer('type: "Softmax"', (3, 4))
    together.top = together.bottom
    together.reshape()
    np.testing.assert_array_equal(apart.forward()[0], together.forward()[0])
    dy = np.random.default_rng(1).standard_normal((3, 4))
    (expected,) = apart.backward(dy)
    together.top[0].diff[...] = dy
    together.layer.backward(together.top, [True], together.bottom)
    np.testing.assert_allclose(together.bottom[0].diff, expected, atol=1e-7)


def test_an_axis_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NetError, match=r"l \(Softmax\).*axis: 2.*\(3, 4\)"):
        OneLayer('type: "Softmax" softmax_param { axis: 2 }', (3, 4))
