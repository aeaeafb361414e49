"""Parts of a net on the plan of whole passes, and functions called around layers."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.errors import NetError


def chain() -> NetSpec:
    """Convolution with a ReLU in place, then a Sigmoid with a Power in place: it needs a version beneath."""
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 3, 4, 4]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=3, weight_filler=dict(type="xavier"))
    n.relu = L.ReLU(n.conv, in_place=True)
    n.sigmoid = L.Sigmoid(n.relu)
    n.power = L.Power(n.sigmoid, scale=3, in_place=True)
    n.sum = L.Reduction(n.power, loss_weight=1)
    return n


@pytest.fixture
def net() -> Net:
    made = Net(chain(), phase="train", seed=1)
    made.blobs["data"].data[...] = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    return made


@pytest.mark.parametrize(
    ("start", "end", "fused", "single"),
    [
        ("data", "relu", True, True),
        ("conv", "relu", True, True),
        ("sigmoid", "power", True, True),
        ("data", "conv", False, True),
        ("relu", "sum", False, True),
        ("data", "sigmoid", False, False),
        ("power", "sum", False, False),
        ("sum", "sum", True, True),
    ],
)
def test_a_part_runs_where_it_cuts_nothing(net: Net, start: str, end: str, fused: bool, single: bool) -> None:
    assert net.forward_uncut(start, end) is fused
    net.plan_as(fuse=False)
    assert net.forward_uncut(start, end) is single
    net.plan_as(stepping=True)
    assert net.forward_uncut(start, end)


def test_parts_give_what_a_whole_pass_gives(net: Net) -> None:
    net.forward()
    whole = {name: blob.data.copy() for name, blob in net.blobs.items()}
    plan = net.plan
    for blob in list(net.blobs.values())[1:]:
        blob.data[...] = -7
    assert net.forward_uncut("conv", "relu")
    assert net.forward_uncut("sigmoid", "sum")
    assert net.plan is plan
    for name, data in whole.items():
        np.testing.assert_array_equal(net.blobs[name].data, data)


def test_a_plan_once_chosen_stays(net: Net) -> None:
    net.forward()
    assert net.plan.fuse
    net.plan_as(fuse=False)
    net.forward()
    assert (net.plan.fuse, net.plan.stepping) == (False, False)
    plan = net.plan
    net.plan_as(fuse=False)
    assert net.plan is plan
    net.plan_as(stepping=True)
    net.forward()
    assert net.plan.stepping


def test_layers_are_watched_one_by_one(net: Net) -> None:
    told: list[tuple[str, int]] = []
    for moment in ("before_forward", "after_forward", "before_backward", "after_backward"):
        net.watch_layers(moment, lambda layer, moment=moment: told.append((moment, layer)))  # type: ignore[misc]
    net.forward()
    assert told == [(m, layer) for layer in range(6) for m in ("before_forward", "after_forward")]
    told.clear()
    net.backward(start="sigmoid", end="conv")
    assert told == [(m, layer) for layer in (3, 2, 1) for m in ("before_backward", "after_backward")]
    with pytest.raises(NetError, match=r"not 'before_forwards' \(did you mean 'before_forward'\?\)"):
        net.watch_layers("before_forwards", print)


def with_a_classifier() -> Net:
    n = NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 6, 6]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=3, weight_filler=dict(type="xavier"))
    n.relu = L.ReLU(n.conv, in_place=True)
    n.ip = L.InnerProduct(n.relu, num_output=2, weight_filler=dict(type="xavier"))
    param = n.to_proto()
    param.force_backward = True
    return Net(param, seed=1)


@pytest.mark.parametrize("uncut", [True, False])
def test_a_part_runs_on_images_that_the_last_layers_do_not_take(uncut: bool) -> None:
    """As in Caffe, where a layer is reshaped when it runs: features of images of any size."""
    net = with_a_classifier()
    image = np.random.default_rng(0).normal(size=(1, 3, 9, 8)).astype(np.float32)
    net.forward(data=image[:, :, :6, :6])
    expected, scores = net.blobs["conv"].data.copy(), net.blobs["ip"].data.copy()
    net.blobs["data"].reshape(1, 3, 9, 8)
    net.blobs["data"].data[...] = image
    if uncut:
        assert net.forward_uncut("data", "relu")
    else:
        net.forward(end="relu")
    np.testing.assert_allclose(net.blobs["conv"].data[:, :, :4, :4], expected, rtol=1e-5)
    net.blobs["conv"].diff[...] = 1
    net.backward(start="relu")
    assert net.blobs["data"].diff.all(1).any()
    with pytest.raises(NetError, match="layer 'ip' does not take"):
        net.backward()
    for run in (net.forward, lambda: net.forward(end="ip"), net.reshape):
        with pytest.raises(NetError, match="weights take 64 inputs, the bottom gives 168"):
            run()
    net.blobs["data"].reshape(1, 3, 6, 6)
    np.testing.assert_allclose(net.forward(data=image[:, :, :6, :6])["ip"], scores, rtol=1e-5)
    net.backward()


@pytest.fixture
def by_reference_counts_alone() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("by_reference_counts_alone")
def test_kernels_let_go_of_the_memory_of_a_dropped_net() -> None:
    n = chain()
    n.ip = L.InnerProduct(n.power, num_output=1 << 16, weight_filler=dict(type="xavier"))
    net = Net(n, phase="train")
    net.forward()
    net.backward()
    dropped = [weakref.ref(blob.data_tensor.flat) for blob in (*net.blobs.values(), net.params["ip"][0])]
    dropped += [weakref.ref(layer.kernel) for layer in net.layers if hasattr(layer, "kernel")]
    assert len(dropped) > 8
    del net
    assert [reference for reference in dropped if reference() is not None] == []


def test_an_array_in_a_layers_place_is_told_where_it_belongs(net: Net) -> None:
    """`net.forward(x)` is what people write first."""
    with pytest.raises(NetError, match=r"net\.forward\(data=array\) of shape \(2, 3, 4, 4\)"):
        net.forward(np.zeros((2, 3, 4, 4)))  # type: ignore[arg-type]
    n = NetSpec()
    n.data = L.DummyData(shape=[2, 3])
    with pytest.raises(NetError, match="the net reads its data itself"):
        Net(n).forward(np.zeros((2, 3)))  # type: ignore[arg-type]
