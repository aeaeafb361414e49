"""check_gradients of a whole net: which layer is wrong, and what of the net stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import owlkit
from owlkit import L, NetSpec
from owlkit.core.errors import NetError
from owlkit.inspection.gradcheck.report import GradientError
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs
from tests.inspection.checked_nets import XAVIER, HalfTanH, small_net

RNG = np.random.default_rng(5)


def test_a_net_passes_and_stays_as_it_is() -> None:
    net = owlkit.Net(small_net(), phase="train", seed=1)
    net.blobs["data"].data[...] = RNG.standard_normal((3, 2, 9, 9))
    net.blobs["label"].data[...] = [0, 4, 2]
    net.forward_backward()
    before = {name: (b.data.copy(), b.diff.copy()) for name, b in net.blobs.items()}
    weights = {name: [b.data.copy() for b in blobs] for name, blobs in net.params.items()}
    state = net.state()
    report = owlkit.check_gradients(net).raise_if_wrong()
    assert {row.layer for row in report.rows} >= {"conv", "norm", "scale", "relu", "pool", "drop", "ip"}
    assert len(report.loss) == 4
    assert report.skipped == ["accuracy"]
    assert not report.remarks
    for name, (data, diff) in before.items():
        np.testing.assert_array_equal(net.blobs[name].data, data)
        np.testing.assert_array_equal(net.blobs[name].diff, diff)
    for name, arrays in weights.items():
        for blob, array in zip(net.params[name], arrays, strict=True):
            np.testing.assert_array_equal(blob.data, array)
    assert net.state() == state


def test_a_net_names_its_wrong_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", HalfTanH)
    report = owlkit.check_gradients(small_net())
    assert report.wrong_layers == ["tanh"]
    assert report.loss_is_wrong
    assert not report.ok
    assert "data held only zeros: filled with random numbers" in report.remarks
    with pytest.raises(GradientError, match=r"tanh \(TanH\): bottom 0\[.*backward gives"):
        report.raise_if_wrong()


def test_a_layer_that_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raises(TanH):
        def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
            raise IndexError("no such row")

    monkeypatch.setitem(LAYERS, "TanH", Raises)
    report = owlkit.check_gradients(small_net(), layers=["tanh", "pool"])
    assert report.wrong_layers == ["tanh"]
    assert "raised IndexError: no such row" in repr(report)


def test_only_the_layers_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    report = owlkit.check_gradients(small_net(), layers=["pool"])
    assert {row.layer for row in report.rows} == {"pool"}
    assert not report.loss
    with pytest.raises(NetError, match="did you mean 'pool'"):
        owlkit.check_gradients(small_net(), layers=["poll"])
    with pytest.raises(NetError, match="no input 'dat'"):
        owlkit.check_gradients(small_net(), inputs={"dat": 1})


def test_data_layers_keep_their_position() -> None:
    n = NetSpec("given")
    n.data = L.DummyData(shape={"dim": [4, 3]}, data_filler={"type": "gaussian"})
    n.ip = L.InnerProduct(n.data, num_output=2, weight_filler=XAVIER)
    n.loss = L.Reduction(n.ip, loss_weight=1) if "Reduction" in LAYERS else L.EuclideanLoss(n.ip, n.ip)
    net = owlkit.Net(n, phase="train", seed=1)
    state = net.state()
    assert owlkit.check_gradients(net).ok
    assert net.state() == state


def test_an_input_that_is_overwritten_in_place_is_given_anew() -> None:
    n = NetSpec("in place")
    n.data = L.Input(shape={"dim": [4, 3]})
    n.power = L.Scale(n.data, in_place=True, filler={"type": "constant", "value": 2})
    n.ip = L.InnerProduct(n.power, num_output=2, weight_filler=XAVIER)
    n.label = L.Input(shape={"dim": [4]})
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    x = RNG.standard_normal((4, 3))
    report = owlkit.check_gradients(n, inputs={"data": x}).raise_if_wrong()
    first = next(row for row in report.rows if row.layer == "power")
    np.testing.assert_array_equal(first.values, x)


def test_layers_with_a_stage_survive_the_rebuilding() -> None:
    n = small_net().to_proto()
    next(layer for layer in n.layer if layer.name == "tanh").include.add(stage=["deep"])
    net = owlkit.Net(n, phase="train", stages=["deep"], seed=1)
    assert owlkit.check_gradients(net, layers=["tanh"]).ok


def test_layers_without_values_are_passed_over() -> None:
    n = NetSpec("empty")
    n.data = L.Input(shape={"dim": [0, 3]})
    n.ip = L.InnerProduct(n.data, num_output=2, weight_filler=XAVIER)
    assert owlkit.check_gradients(owlkit.Net(n, phase="train")).rows == []


def test_a_smaller_batch_can_be_given() -> None:
    """It takes less time; the net's own data layer has a larger one."""
    n = NetSpec("batches")
    n.data, n.label = L.DummyData(dummy_data_param={"shape": [{"dim": [64, 3]}, {"dim": [64]}]}, ntop=2)
    n.ip = L.InnerProduct(n.data, num_output=2, weight_filler=XAVIER)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    net = owlkit.Net(n, phase="train", seed=1)
    report = owlkit.check_gradients(net, inputs={"data": RNG.standard_normal((4, 3)), "label": [0, 1, 1, 0]})
    assert report.ok
    assert report.rows[0].shape == (4, 3)
    assert net.blobs["data"].shape == (64, 3)
