"""Reduction and Crop: every operation and axis, gradients, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer

X = (2, 3, 4, 5)
SHAPES = [X, (2, 3, 4), (6,), (2, 2, 3, 2, 2)]
FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "SUM": np.array,
    "ASUM": np.abs,
    "SUMSQ": np.square,
    "MEAN": np.array,
}


def reduction(fields: str, shape: tuple[int, ...], dtype: str = "float64") -> OneLayer:
    return OneLayer(f'type: "Reduction" reduction_param {{ {fields} }}', shape, dtype=dtype)


@pytest.mark.parametrize(
    ("shape", "axis"), [(shape, axis) for shape in SHAPES for axis in (-1, *range(len(shape)))]
)
@pytest.mark.parametrize("operation", FUNCTIONS)
def test_reduction(operation: str, axis: int, shape: tuple[int, ...]) -> None:
    net = reduction(f"operation: {operation} axis: {axis} coeff: -0.5", shape)
    first = axis % len(shape)
    reduced = tuple(range(first, len(shape)))
    values = FUNCTIONS[operation](net.bottom[0].data)
    expected = -0.5 * (values.mean(axis=reduced) if operation == "MEAN" else values.sum(axis=reduced))
    (y,) = net.forward()
    assert y.shape == shape[:first]
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    check_gradients(net)


def test_the_gradient_of_an_absolute_sum_is_zero_at_zero() -> None:
    net = OneLayer('type: "Reduction" reduction_param { operation: ASUM }', [-2.0, 0.0, 3.0])
    net.forward()
    assert net.backward(4)[0].tolist() == [-4, 0, 4]


@pytest.mark.parametrize("axis", [4, -5])
def test_a_reduction_beyond_the_axes_is_refused(axis: int) -> None:
    with pytest.raises(NetError, match=r"reduction_param.axis: .*outside the 4 axes"):
        reduction(f"axis: {axis}", X)


def crop(fields: str, x: tuple[int, ...], r: tuple[int, ...], dtype: str = "float64") -> OneLayer:
    return OneLayer(f'type: "Crop" crop_param {{ {fields} }}', x, r, dtype=dtype)


@pytest.mark.parametrize(
    ("fields", "x", "r", "part"),
    [
        ("", X, (7, 7, 2, 3), np.s_[:, :, :2, :3]),
        ("offset: 1", X, (7, 7, 2, 3), np.s_[:, :, 1:3, 1:4]),
        ("offset: 2 offset: 1", X, (7, 7, 2, 3), np.s_[:, :, 2:4, 1:4]),
        ("axis: 1 offset: 1 offset: 0 offset: 2", X, (7, 2, 4, 1), np.s_[:, 1:3, :, 2:3]),
        ("axis: -1 offset: 2", (3, 5), (9, 2), np.s_[:, 2:4]),
        ("axis: 0", (3, 5), (2, 5), np.s_[:2]),
        ("axis: 3 offset: 1", (2, 2, 2, 4, 3), (1, 1, 1, 2, 2), np.s_[:, :, :, 1:3, 1:3]),
    ],
)
def test_crop(fields: str, x: tuple[int, ...], r: tuple[int, ...], part: tuple[slice, ...]) -> None:
    net = crop(fields, x, r)
    np.testing.assert_array_equal(net.forward()[0], net.bottom[0].data[part])
    check_gradients(net)


@pytest.mark.parametrize(
    ("fields", "r", "message"),
    [
        ("axis: 4", X, "outside the 4 axes"),
        ("offset: 1 offset: 1 offset: 1", X, "3 offset for 2 axes"),
        ("offset: 3", (2, 3, 2, 2), "axis 2: offset 3 and the length 2 of 'b1' go beyond 4"),
        ("", (2, 3, 4), "needs 4 axes"),
    ],
)
def test_a_crop_that_cannot_be_is_refused(fields: str, r: tuple[int, ...], message: str) -> None:
    with pytest.raises(NetError, match=message):
        crop(fields, X, r)


def test_the_size_of_a_crop_has_no_gradient() -> None:
    """Caffe leaves the second bottom's diff as it is; where it is wanted (FCN's skips), 0 is meant."""
    net = crop("", X, (2, 3, 2, 2))
    net.forward()
    assert (net.backward(1, propagate_down=[True, True])[1] == 0).all()


def test_a_learned_blob_gives_its_size_to_a_crop_and_learns_by_its_other_reader() -> None:
    text = """
    layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
    layer { name: "a" type: "Convolution" bottom: "x" top: "a"
        convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "crop" type: "Crop" bottom: "x" bottom: "a" top: "c" }
    layer { name: "c" type: "Reduction" bottom: "c" top: "lc" loss_weight: 1 }
    layer { name: "s" type: "Reduction" bottom: "a" top: "la" loss_weight: 1 }
    """
    net = Net(parse(text, caffe_pb2.NetParameter), phase="train", seed=1)
    net.forward(x=np.ones((2, 3, 4, 4)))
    net.backward()
    assert (net.params["a"][1].diff == 8).all()
