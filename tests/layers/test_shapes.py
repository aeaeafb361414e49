"""Concat, Split, Flatten, Reshape, Eltwise: shapes, shared memory, and the mistakes they tell."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.one_layer import OneLayer

X = (2, 3, 4, 5)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("shape { dim: 0 dim: 4 dim: -1 dim: 3 }", (2, 4, 5, 3)),
        ("shape { dim: -1 }", (120,)),
        ("shape { dim: 12 } axis: 1 num_axes: 2", (2, 12, 5)),
        ("shape { dim: 5 dim: -1 } axis: -2", (2, 3, 4, 5, 1)),  # -2 is the last axis: -1 is one past the end
        ("shape { dim: 1 } axis: -1 num_axes: 0", (2, 3, 4, 5, 1)),
        ("shape { dim: 1 } axis: 0 num_axes: 0", (1, 2, 3, 4, 5)),
    ],
)
def test_reshape(fields: str, expected: tuple[int, ...]) -> None:
    net = OneLayer(f'type: "Reshape" reshape_param {{ {fields} }}', X)
    (y,) = net.forward()
    np.testing.assert_array_equal(y, net.bottom[0].data.reshape(expected))
    dy = np.arange(120.0).reshape(expected)
    np.testing.assert_array_equal(net.backward(dy)[0], dy.reshape(X))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("shape { dim: -1 dim: -1 }", "only one can be inferred"),
        ("shape { dim: 7 dim: -1 }", "cannot be inferred"),
        ("shape { dim: 7 }", "has 7 elements, the bottom 120"),
        ("shape { dim: 0 } axis: -1 num_axes: 0", "dim 0 copies axis 4"),
        ("shape { dim: 1 } axis: 5", "axis 5 is outside"),
        ("shape { dim: 1 } axis: 3 num_axes: 2", "exceed the bottom's 4"),
        ("shape { dim: 1 } num_axes: -2", "num_axes is -2"),
        ("shape { dim: -2 }", "dim -2 is no length"),
    ],
)
def test_reshape_tells_mistakes(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Reshape" reshape_param {{ {fields} }}', X)


def test_flatten_shares_memory_where_the_order_is_the_same() -> None:
    for shape, shared in (((2, 3, 4), True), ((2, 3, 1, 1), True), (X, False)):
        net = OneLayer('type: "Flatten"', shape)
        assert net.top[0].shares_data(net.bottom[0]) is shared
        np.testing.assert_array_equal(net.forward()[0], net.bottom[0].data.reshape(2, -1))


def test_flatten_stops_sharing_when_the_shape_changes() -> None:
    net = OneLayer('type: "Flatten"', (2, 3, 1, 1))
    net.bottom[0].reshape(X)
    net.reshape()
    net.bottom[0].data[...] = np.arange(120).reshape(X)
    np.testing.assert_array_equal(net.forward()[0], np.arange(120).reshape(2, 60))
    dy = np.arange(120.0).reshape(2, 60)
    np.testing.assert_array_equal(net.backward(dy)[0], dy.reshape(X))


def test_flatten_tells_mistakes() -> None:
    with pytest.raises(NetError, match="end_axis 1 lies before axis 2"):
        OneLayer('type: "Flatten" flatten_param { axis: 2 end_axis: 1 }', X)


def test_split_shares_its_data() -> None:
    net = OneLayer('type: "Split"', X, tops=3)
    assert all(top.shares_data(net.bottom[0]) for top in net.top)
    dys = np.random.default_rng(0).standard_normal((3, *X))
    np.testing.assert_allclose(net.backward(*dys)[0], dys.sum(axis=0), atol=1e-6)


@pytest.mark.parametrize("shared", [0, 1, 2])
def test_split_sums_over_one_of_its_terms(shared: int) -> None:
    net = OneLayer('type: "Split"', X, tops=3)
    net.bottom[0].share_diff(net.top[shared])
    net.reshape()
    dys = np.random.default_rng(0).standard_normal((3, *X))
    for blob, dy in zip(net.top, dys, strict=True):
        blob.diff[...] = dy
    net.layer.backward(net.top, [True], net.bottom)
    np.testing.assert_allclose(net.bottom[0].diff, dys.sum(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("axis: 1 concat_dim: 1", (X, X), "both axis and concat_dim"),
        ("axis: 4", (X, X), "concat_param.axis"),
        ("", (X, (2, 3, 4, 4)), r"expects the shape .*apart from axis 1.*b1"),
    ],
)
def test_concat_tells_mistakes(fields: str, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Concat" concat_param {{ {fields} }}', *shapes)


def test_concat_writes_only_the_gradients_that_are_wanted() -> None:
    net = OneLayer('type: "Concat"', X, X)
    net.forward()
    first, second = net.backward(1, propagate_down=[False, True])
    assert np.isnan(first).all()
    assert (second == 1).all()


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("coeff: 1", (X, X), "1 coeff for 2 bottoms"),
        ("operation: PROD coeff: 1 coeff: 1", (X, X), "coeff is for SUM only"),
        ("", (X, (2, 3, 4, 4)), r"expects \(2, 3, 4, 5\)"),
    ],
)
def test_eltwise_tells_mistakes(fields: str, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Eltwise" eltwise_param {{ {fields} }}', *shapes)


def test_ties_of_a_maximum() -> None:
    """Bottom 1 wins over bottom 0; later bottoms must be strictly larger (Caffe)."""
    net = OneLayer('type: "Eltwise" eltwise_param { operation: MAX }', *[np.ones((1, 2))] * 3)
    net.forward()
    assert [dx.tolist() for dx in net.backward(1)] == [[[0, 0]], [[1, 1]], [[0, 0]]]


def test_a_sum_leaves_a_shared_gradient_alone() -> None:
    net = OneLayer('type: "Eltwise"', X, X)
    net.forward()
    net.bottom[0].share_diff(net.top[0])
    net.top[0].diff[...] = 3
    net.layer.backward(net.top, [True, True], net.bottom)
    assert (net.bottom[0].diff == 3).all()
    assert (net.bottom[1].diff == 3).all()
    assert net.layer.passes_gradient(0)
