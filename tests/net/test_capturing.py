"""Passes as CUDA graphs, on the stand-in: what is captured, what prevents it, and the same results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.errors import DeviceError
from owlkit.layers.base import LAYERS, Blobs, Layer
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


class OnTheHost(Layer):
    """Doubles its bottom with NumPy."""

    type = "OnTheHost"

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        np.multiply(bottom[0].data, 2, out=top[0].data)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        np.multiply(top[0].diff, 2, out=bottom[0].diff)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "OnTheHost", OnTheHost)


def pointwise_net(*, host_layer: bool = False) -> NetSpec:
    n = NetSpec("pointwise", force_backward=True)
    n.data = L.Input(shape=dict(dim=[2, 3, 4, 4]))
    n.tanh = L.TanH(n.data)
    n.middle = L.OnTheHost(n.tanh) if host_layer else L.ReLU(n.tanh, negative_slope=0.1)
    n.out = L.Sigmoid(n.middle, loss_weight=1)
    return n


def build(device: Any, **options: Any) -> Net:
    return Net(pointwise_net(**options), phase="train", device=device, seed=1)


def test_replays_equal_the_cpu_and_launch_nothing_themselves() -> None:
    device = emulated_gpu.emulated_device()
    ours, theirs = build(device), build("cpu")
    rng = np.random.default_rng(0)
    launched = []
    for _ in range(5):
        x = rng.standard_normal((2, 3, 4, 4))
        for net in (ours, theirs):
            net.blobs["data"].data[...] = x
            net.forward_backward()
        launched.append(len(device.gpu.driver.launched))
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
        np.testing.assert_allclose(ours.blobs["data"].diff, theirs.blobs["data"].diff, 1e-5, 1e-7)
    assert launched[1] == 2 * launched[0], "one pass as it is, one captured"
    assert launched[1:] == launched[1:2] * 4, "from then on only graphs are launched"
    assert "forward is captured; backward is captured" in repr(ours.plan)


def test_only_inputs_move_in_a_replay() -> None:
    device = emulated_gpu.emulated_device()
    net = build(device)
    for _ in range(3):
        net.forward_backward()
    before = device.gpu.uploaded_bytes, device.gpu.downloaded_bytes
    net.blobs["data"].data[...] = 1
    net.forward_backward()
    assert device.gpu.uploaded_bytes - before[0] == 4 * 96
    assert device.gpu.downloaded_bytes - before[1] == 4 * 96, "the loss: here a blob of the data's size"


def test_what_works_on_the_host_is_named() -> None:
    device = emulated_gpu.emulated_device()
    net = build(device, host_layer=True)
    for _ in range(3):
        net.forward_backward()
    text = repr(net.plan)
    assert "forward is not captured: middle (OnTheHost) works on the host (tanh.data)" in text
    assert "backward is not captured: middle (OnTheHost) works on the host (middle.diff)" in text


def test_graph_true_insists() -> None:
    device = emulated_gpu.emulated_device(graph=True)
    net = build(device, host_layer=True)
    with pytest.raises(DeviceError, match=r"graph=True, but the forward pass cannot .* middle \(OnTheHost\)"):
        net.forward_backward()


def test_graph_false_captures_nothing() -> None:
    device = emulated_gpu.emulated_device(graph=False)
    net = build(device)
    for _ in range(3):
        net.forward_backward()
    assert "CUDA graphs are off" in repr(net.plan)


def test_new_shapes_are_captured_anew() -> None:
    device = emulated_gpu.emulated_device()
    ours, theirs = build(device), build("cpu")
    for count in (2, 2, 2, 3, 3, 3, 1):
        for net in (ours, theirs):
            net.blobs["data"].reshape(count, 3, 4, 4)
            net.blobs["data"].data[...] = count
            net.forward_backward()
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)


def test_accumulation_and_overwriting_are_different_captures() -> None:
    """The first pass of an iteration overwrites the gradients, later ones add to them."""
    device = emulated_gpu.emulated_device()

    def net(place: Any) -> Net:
        n = NetSpec("scaled")
        n.data = L.Input(shape=dict(dim=[2, 3]))
        n.scaled = L.Scale(n.data, filler=dict(type="constant", value=2), bias_term=True)
        n.out = L.TanH(n.scaled, loss_weight=1)
        return Net(n, phase="train", device=place, seed=1)

    ours, theirs = net(device), net("cpu")
    for passes in (1, 2, 3, 1, 2):
        for each in (ours, theirs):
            each.blobs["data"].data[...] = np.arange(6).reshape(2, 3) / 6
            each.clear_param_diffs()
            for _ in range(passes):
                each.forward_backward()
        for mine, blob in zip(ours.params["scaled"], theirs.params["scaled"], strict=True):
            np.testing.assert_allclose(mine.data_tensor.peek(), blob.data)
            np.testing.assert_allclose(mine.diff, blob.diff, 1e-5)


@pytest.mark.parametrize("passes", [1, 2, 4])
def test_an_input_that_was_larger_meanwhile_is_read_where_it_lies_now(passes: int) -> None:
    """A larger shape takes other memory, and its own shape again leaves the plan as it was."""
    nets = [build(device) for device in (emulated_gpu.emulated_device(), "cpu")]
    for net in nets:
        blob = net.blobs["data"]
        for _ in range(passes):
            blob.data[...] = 0.25
            net.forward_backward()
        blob.reshape(64, 3, 4, 4)
        blob.data[...] = 0
        blob.reshape(2, 3, 4, 4)
        for value in (0.5, -0.5, 0.75):
            blob.data[...] = value
            net.forward_backward()
    ours, theirs = nets
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
    np.testing.assert_allclose(ours.blobs["data"].diff, theirs.blobs["data"].diff, 1e-5)
    assert "forward is captured; backward is captured" in repr(ours.plan)
