"""Slice, Tile, ArgMax and Bias: axes, ties, and parameters that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from tests.support.one_layer import OneLayer


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_slice_and_its_gradient_along_every_axis(axis: int) -> None:
    body = f'type: "Slice" slice_param {{ axis: {axis} slice_point: 1 slice_point: 3 }}'
    net = OneLayer(body, (4, 5, 6, 7), tops=3)
    x = net.bottom[0].data
    parts = np.split(x, [1, 3], axis=axis)
    for found, expected in zip(net.forward(), parts, strict=True):
        np.testing.assert_array_equal(found, expected)
    (dx,) = net.backward(*(2 * part for part in parts))
    np.testing.assert_array_equal(dx, 2 * x)


@pytest.mark.parametrize(
    ("fields", "tops", "message"),
    [
        ("axis: 1 slice_dim: 1", 2, "use axis only"),
        ("slice_point: 2", 3, "3 tops need 2 slice_point"),
        ("slice_point: 3 slice_point: 3", 3, "must rise"),
        ("slice_point: 6", 2, r"1\.\.5 of axis 1"),
        ("", 4, "axis 1 of 6 does not divide into 4 tops"),
        ("axis: 5", 2, "outside the 4 axes"),
    ],
)
def test_a_slice_that_cannot_be_is_refused(fields: str, tops: int, message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Slice" slice_param {{ {fields} }}', (2, 6, 3, 4), tops=tops)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4)])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_tile_and_its_gradient_along_every_axis(axis: int, shape: tuple[int, ...]) -> None:
    net = OneLayer(f'type: "Tile" tile_param {{ axis: {axis} tiles: 3 }}', shape)
    x = net.bottom[0].data
    repeats = [1] * len(shape)
    repeats[axis] = 3
    np.testing.assert_array_equal(net.forward()[0], np.tile(x, repeats))
    (dx,) = net.backward(np.tile(x, repeats))
    np.testing.assert_allclose(dx, 3 * x, rtol=1e-6)


@pytest.mark.parametrize("fields", ["", "tiles: 0", "tiles: -2"])
def test_the_number_of_tiles_must_be_given(fields: str) -> None:
    with pytest.raises(NetError, match="tiles"):
        OneLayer(f'type: "Tile" tile_param {{ {fields} }}', (2, 3))


def argmax(fields: str, x: object) -> np.ndarray:
    return OneLayer(f'type: "ArgMax" argmax_param {{ {fields} }}', x).forward()[0]


def test_of_equal_values_the_highest_index_comes_first() -> None:
    x = [[3.0, 1.0, 3.0, 2.0]]
    np.testing.assert_array_equal(argmax("", x).ravel(), [2])
    np.testing.assert_array_equal(argmax("top_k: 3", x).ravel(), [2, 0, 3])
    np.testing.assert_array_equal(argmax("axis: 1", x).ravel(), [2])


def test_with_axis_and_out_max_val_only_values_come_out() -> None:
    x = [[3.0, 1.0, 4.0]]
    np.testing.assert_array_equal(argmax("axis: 1 out_max_val: true top_k: 2", x), [[4, 3]])
    np.testing.assert_array_equal(argmax("out_max_val: true top_k: 2", x), [[[2, 0], [4, 3]]])


def test_without_axis_indices_count_in_caffe_order() -> None:
    x = np.zeros((1, 2, 3, 4))
    x[0, 1, 2, 0] = 1
    assert argmax("", x).item() == 1 * 12 + 2 * 4


@pytest.mark.parametrize(("fields", "message"), [("top_k: 9", "exceeds the 4"), ("top_k: 0", "at least 1")])
def test_top_k_must_be_possible(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        argmax(fields, (3, 4))


def test_bias_accumulates_its_gradient() -> None:
    net = OneLayer('type: "Bias"', (2, 3, 4, 5))
    (b,) = net.layer.blobs
    b.data[...] = [1, 2, 3]
    x = net.bottom[0].data
    np.testing.assert_array_equal(net.forward()[0], x + b.data[:, None, None])
    b.clear_diff()
    net.backward(x)
    (dx,) = net.backward(x)
    np.testing.assert_array_equal(dx, x)
    np.testing.assert_allclose(b.diff, 2 * x.sum(axis=(0, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "shape"),
    [("", (3,)), ("num_axes: 0", ()), ("num_axes: -1", (3, 4, 5)), ("axis: -2 num_axes: 2", (4, 5))],
)
def test_shape_of_a_learned_bias(fields: str, shape: tuple[int, ...]) -> None:
    net = OneLayer(f'type: "Bias" bias_param {{ {fields} }}', (2, 3, 4, 5))
    assert net.layer.blobs[0].shape == shape


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_bias_from_a_second_bottom(shape: tuple[int, ...]) -> None:
    net = OneLayer('type: "Bias" bias_param { axis: 0 }', (2, 3, 4, 5), np.ones(shape))
    np.testing.assert_array_equal(net.forward()[0], net.bottom[0].data + 1)
    (_, db) = net.backward(1)
    assert (db == 120 / max(np.prod(shape), 1)).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [("num_axes: -2", "-1 or more"), ("axis: 3 num_axes: 2", "beyond x"), ("axis: 4", "outside the 4 axes")],
)
def test_a_bias_that_does_not_fit_is_refused(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        OneLayer(f'type: "Bias" bias_param {{ {fields} }}', (2, 3, 4, 5))
