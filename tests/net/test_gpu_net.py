"""Nets on a GPU, proved on the stand-in: the same values and gradients as on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P
from owlkit.core.errors import DataError
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
RNG = np.random.default_rng(0)
INPUTS = {"data": RNG.standard_normal((4, 2, 12, 12)), "label": RNG.integers(0, 5, 4)}


def small_net() -> NetSpec:
    n = NetSpec("small")
    n.data, n.label = L.Input(shape=dict(dim=[4, 2, 12, 12])), L.Input(shape=dict(dim=[4]))
    filler = dict(type="xavier")
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=8, group=2, weight_filler=filler)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.ip = L.InnerProduct(n.pool1, num_output=5, weight_filler=filler)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    return n


def build(device: Any, **options: Any) -> Net:
    return Net(small_net(), phase="train", device=device, seed=1, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_the_cpu(dtype: str) -> None:
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    ours, theirs = build(emulated_gpu.emulated_device(), dtype=dtype), build("cpu", dtype=dtype)
    for net in (ours, theirs):
        net.clear_param_diffs()
        net.forward(**INPUTS)
        net.backward()
    assert ours.loss == pytest.approx(theirs.loss, rel=tolerance)
    for name, blobs in theirs.params.items():
        for mine, blob in zip(ours.params[name], blobs, strict=True):
            np.testing.assert_array_equal(mine.data, blob.data)
            np.testing.assert_allclose(mine.diff, blob.diff, tolerance, tolerance)


def test_filters_lie_channels_last_and_look_like_caffes() -> None:
    net = build(emulated_gpu.emulated_device())
    w = net.params["conv1"][0]
    assert w.descriptor.channels_last
    assert w.data.shape == (8, 1, 3, 3)
    assert net.params["ip"][0].data.flags.c_contiguous


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_filters_that_another_shape_shares_lie_as_that_does(dtype: str) -> None:
    """PERMISSIVE: also the filters of further layers that share them."""
    n, filler = NetSpec("permissive"), dict(type="xavier")
    n.data = L.Input(shape=dict(dim=[4, 2, 12, 12]))
    options = dict(kernel_size=3, num_output=8, bias_term=False, weight_filler=filler)
    n.one = L.Convolution(n.data, param=dict(name="w"), **options)
    n.two = L.Convolution(n.data, param=dict(name="w"), **options)
    n.pool = L.Pooling(n.data, global_pooling=True)
    n.flat = L.InnerProduct(
        n.pool, num_output=72, bias_term=False, param=dict(name="w", share_mode=P.ParamSpec.PERMISSIVE)
    )
    net = Net(n, device=emulated_gpu.emulated_device(), seed=1, dtype=dtype)
    outputs = net.forward(data=INPUTS["data"])
    assert outputs["one"].any()
    np.testing.assert_array_equal(outputs["one"], outputs["two"])


def test_weights_pass_through_files(tmp_path: Any) -> None:
    ours, theirs = build(emulated_gpu.emulated_device()), build("cpu")
    ours.forward(**INPUTS)
    ours.params["conv1"][0].data[...] += 1
    ours.save(tmp_path / "w.caffemodel")
    theirs.copy_from(tmp_path / "w.caffemodel", quiet=True)
    np.testing.assert_array_equal(theirs.params["conv1"][0].data, ours.params["conv1"][0].data)
    ours.forward()
    theirs.forward(**INPUTS)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)


def test_test_net_shares_the_parameters_on_the_gpu() -> None:
    device = emulated_gpu.emulated_device()
    train = build(device)
    test = Net(small_net(), phase="test", device=device, share=train)
    train.forward(**INPUTS)
    test.forward(**INPUTS)
    assert test.loss == train.loss
    train.params["ip"][0].data[...] = 0
    test.forward(**INPUTS)
    assert test.loss == pytest.approx(np.log(5), rel=1e-5)


def test_wrong_labels_are_told_as_on_the_cpu() -> None:
    net, wrong = build(emulated_gpu.emulated_device()), dict(INPUTS, label=[0, 1, 7, 2])
    for _ in range(4):  # as it is, captured, replayed
        net.forward(**INPUTS)
        with pytest.raises(DataError, match="label 7 at index 2 of the batch"):
            net.forward(**wrong)
        net.blobs["label"].data[...] = wrong["label"]
        with pytest.raises(DataError, match="label 7 at index 2 of the batch"):
            net.forward_backward()
