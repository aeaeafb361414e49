"""Dropout in a net on a GPU (the stand-in): its backward, and a generator that snapshots carry on."""

from __future__ import annotations

import json

import numpy as np
import pytest

import owlkit
from owlkit.proto import caffe_pb2, text
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

NET = text.parse(
    """
force_backward: true
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 6 dim: 5 dim: 5 } } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "y" dropout_param { dropout_ratio: 0.4 } }
""",
    caffe_pb2.NetParameter,
)


def _net(seed: int = 1) -> owlkit.Net:
    net = owlkit.Net(NET, phase="train", device=emulated_gpu.emulated_device(), seed=seed)
    net.blobs["x"].data[...] = 1
    return net


def _pass(net: owlkit.Net) -> np.ndarray:
    net.forward()
    return net.blobs["y"].data.copy()


def test_backward_uses_the_mask_of_forward() -> None:
    net = _net()
    y = _pass(net)
    net.blobs["y"].diff[...] = 2
    net.backward()
    np.testing.assert_array_equal(net.blobs["x"].diff, 2 * y)
    assert 0.2 < (y == 0).mean() < 0.6


def test_a_resumed_net_draws_what_the_first_would_have_drawn() -> None:
    net = _net()
    begin = json.loads(json.dumps(net.state()))
    first = _pass(net)
    state = json.loads(json.dumps(net.state()))
    second = _pass(net)
    for fresh in (_net(seed=7), _net(seed=8)):
        fresh.restore_state(state)
        np.testing.assert_array_equal(_pass(fresh), second)
    net.restore_state(begin)
    np.testing.assert_array_equal(_pass(net), first)
    np.testing.assert_array_equal(_pass(net), second)


def test_another_shape_goes_on_with_the_same_generator() -> None:
    whole, reshaped = _net(), _net()
    for _ in range(2):
        _pass(whole)
    _pass(reshaped)
    reshaped.blobs["x"].reshape(2, 6, 5, 5)
    _pass(reshaped)
    assert whole.state() == reshaped.state()
    assert whole.state()["layers"]["drop"]["philox"][2] == 2


def test_a_state_of_nonsense_is_refused() -> None:
    net = _net()
    _pass(net)
    state = net.state()
    state["layers"]["drop"] = {"philox": [1, 2]}
    with pytest.raises(ValueError, match="broadcast"):
        net.restore_state(state)
