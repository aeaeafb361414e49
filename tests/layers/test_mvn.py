"""MVN: statistics over the right values, its gradient where it is the true one, and where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse
from tests.support.gradient import check_gradients
from tests.support.one_layer import OneLayer

SHAPES = [(2, 3, 4, 5), (2, 3, 7), (2, 3, 2, 3, 2)]


def mvn(fields: str, shape: tuple[int, ...] = (2, 3, 4, 5), dtype: str = "float64") -> OneLayer:
    return OneLayer(f'type: "MVN" mvn_param {{ {fields} }}', shape, dtype=dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("in_place", [True, False])
def test_mvn(in_place: bool, across: bool, scaled: bool, shape: tuple[int, ...]) -> None:
    net = mvn(f"across_channels: {across} normalize_variance: {scaled}".lower(), shape)
    x, axes = net.bottom[0].data.copy(), tuple(range(1 if across else 2, len(shape)))
    expected = x - x.mean(axis=axes, keepdims=True)
    if scaled:
        expected /= x.std(axis=axes, keepdims=True)
    np.testing.assert_allclose(net.forward()[0], expected, rtol=1e-6)
    check_gradients(net, in_place=in_place)


def test_eps_is_added_to_the_deviation_not_to_the_variance() -> None:
    net = mvn("eps: 0.5")
    x = net.bottom[0].data
    deviation = x.std(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(net.forward()[0], (x - x.mean(axis=(2, 3), keepdims=True)) / (deviation + 0.5))


@pytest.mark.parametrize("fields", ["eps: 0.5", "eps: 0.1 across_channels: true"])
def test_with_a_large_eps_the_gradient_is_caffes_and_not_the_true_one(fields: str) -> None:
    net = mvn(fields)
    rng = np.random.default_rng(2)
    x, weights, direction = net.bottom[0].data.copy(), *rng.standard_normal((2, 2, 3, 4, 5))
    sums = []
    for step in (1e-5, -1e-5, 0):
        net.bottom[0].data[...] = x + step * direction
        sums.append((net.forward()[0] * weights).sum())
    (dx,) = net.backward(weights)
    assert abs((sums[0] - sums[1]) / 2e-5 - (dx * direction).sum()) > 0.01


def test_a_constant_image_gives_zeros() -> None:
    net = OneLayer('type: "MVN"', np.full((1, 2, 3, 3), 4.0))
    assert not net.forward()[0].any()
    assert np.isfinite(net.backward(1)[0]).all()


def test_mvn_needs_channels() -> None:
    with pytest.raises(NetError, match="needs a bottom with channels"):
        mvn("", (5,))


def test_the_gradient_survives_what_follows_in_place() -> None:
    """Caffe reads the top, which a ReLU in place has cut off by then."""
    text = """
    force_backward: true
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
    layer { name: "norm" type: "MVN" bottom: "x" top: "y" }
    layer { name: "relu" type: "ReLU" bottom: "y" top: "TOP" }
    layer { name: "loss" type: "Reduction" bottom: "TOP" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
    """
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
    found = []
    for top in ("y", "z"):
        net = Net(parse(text.replace("TOP", top), caffe_pb2.NetParameter), phase="train", dtype="float64")
        net.forward(x=x)
        net.backward()
        found.append(net.blobs["x"].diff.copy())
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    assert np.abs(found[0]).max() > 0.1
