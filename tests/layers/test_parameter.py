"""Parameter: a learned blob as a top."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.proto.text import parse
from tests.support.one_layer import OneLayer

SHAPE = "parameter_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } }"


def layer(fields: str = SHAPE) -> OneLayer:
    net = OneLayer(f'type: "Parameter" {fields}', dtype="float64")
    net.layer.blobs[0].data[...] = np.random.default_rng(2).standard_normal(net.layer.blobs[0].shape)
    return net


def test_the_top_holds_the_values_from_the_first_forward_pass_on() -> None:
    """As in Caffe, where it shares the blob only there."""
    net = layer()
    assert not net.top[0].data.any()
    np.testing.assert_array_equal(net.forward()[0], net.layer.blobs[0].data)


def test_the_gradient_is_added_up() -> None:
    """In Caffe the last pass overwrites, and iter_size loses the others."""
    net = layer()
    dy = np.random.default_rng(3).standard_normal((2, 3, 4, 5))
    net.layer.blobs[0].clear_diff()
    for _ in range(2):
        net.forward()
        net.backward(dy)
    np.testing.assert_allclose(net.layer.blobs[0].diff, 2 * dy)


def test_a_fixed_parameter_keeps_its_gradient() -> None:
    net = layer()
    net.layer.param_propagate_down = [False]
    net.layer.blobs[0].diff[...] = 7
    net.forward()
    net.backward(1)
    assert (net.layer.blobs[0].diff == 7).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [("", "needs parameter_param"), ("parameter_param { shape { dim: 0 } }", "at least 1")],
)
def test_a_parameter_without_a_shape_is_refused(fields: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        layer(fields)


def test_two_readers_and_a_shared_name() -> None:
    """Two layers with one blob, the first read twice: its gradient is the sum of all three."""
    text = """
    layer { name: "a" type: "Parameter" top: "a" param { name: "w" } BODY }
    layer { name: "b" type: "Parameter" top: "b" param { name: "w" } BODY }
    layer { name: "f" type: "Reduction" bottom: "a" top: "f" loss_weight: 1 }
    layer { name: "g" type: "Reduction" bottom: "a" top: "g" loss_weight: 2 }
    layer { name: "h" type: "Reduction" bottom: "b" top: "h" loss_weight: 4 }
    """
    net: Any = Net(parse(text.replace("BODY", SHAPE), caffe_pb2.NetParameter), phase="train")
    net.params["a"][0].data[...] = 0.5
    net.forward()
    assert net.blobs["h"].data == 60
    net.clear_param_diffs()
    net.backward()
    assert (net.params["a"][0].diff == 7).all()
