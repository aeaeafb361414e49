"""NaN is not lost on the way: a net that has diverged says so by its loss, as in Caffe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P
from tests.support import emulated_gpu

CHANNELS, WIDE = 20, 32  # oneDNN loses NaN behind a BatchNorm where 8 divides them


def after(kind: str, x: Any, width: int) -> Any:
    """What a ReLU follows."""
    filled = dict(weight_filler=dict(type="xavier"))
    return {
        "convolution": lambda: L.Convolution(x, num_output=width, kernel_size=3, **filled),
        "convolution 1x1": lambda: L.Convolution(x, num_output=width, kernel_size=1, **filled),
        "convolution without bias": lambda: L.Convolution(
            x, num_output=width, kernel_size=3, bias_term=False, **filled
        ),
        "groups": lambda: L.Convolution(x, num_output=width, kernel_size=3, group=width, **filled),
        "deconvolution": lambda: L.Deconvolution(
            x, convolution_param=dict(num_output=width, kernel_size=2, stride=2, **filled)
        ),
        "inner product": lambda: L.InnerProduct(x, num_output=width, **filled),
        "batch norm": lambda: L.BatchNorm(x),
        "batch norm and scale": lambda: L.Scale(L.BatchNorm(x), bias_term=True, in_place=True),
        "sum": lambda: L.Eltwise(x, x),
        "weighted sum": lambda: L.Eltwise(x, x, coeff=[0.5, 2]),
        "scale": lambda: L.Scale(x, bias_term=True),
    }[kind]()


KINDS = (
    "nothing", "convolution", "convolution 1x1", "convolution without bias", "groups", "deconvolution",
    "inner product", "batch norm", "batch norm and scale", "sum", "weighted sum", "scale",
)  # fmt: skip


def outputs(kind: str, values: np.ndarray, device: Any, slope: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """What goes into a ReLU in place behind a layer, and what comes out."""
    found = []
    for relu in (False, True):
        n = NetSpec("nan")
        n.data = L.Input(shape=dict(dim=values.shape))
        y = n.data
        if kind != "nothing":
            y = n.y = after(kind, n.data, values.shape[1])
        if relu:
            n.relu = L.ReLU(y, in_place=kind != "nothing", negative_slope=slope)
        net = Net(n, phase="train", seed=1, device=device)
        net.blobs["data"].data[...] = values
        net.forward()
        found.append(net.blobs[list(net.blobs)[-1]].data.copy())
    return found[0], found[1]


@pytest.fixture(params=["cpu", "gpu"])
def device(request: pytest.FixtureRequest) -> Any:
    if request.param == "cpu":
        return "cpu"
    if not emulated_gpu.available():
        pytest.skip("g++ is not installed")
    return emulated_gpu.emulated_device()


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("channels", [1, 4, CHANNELS, WIDE])
@pytest.mark.parametrize("kind", KINDS)
def test_a_relu_keeps_nan(kind: str, channels: int, slope: float, device: Any) -> None:
    check_a_relu(kind, channels, slope, device)


def check_a_relu(kind: str, channels: int, slope: float, device: Any) -> None:
    """NaN behind it where NaN was before it, and elsewhere what it is to be."""
    values = np.random.default_rng(0).standard_normal((2, channels, 6, 5)).astype(np.float32)
    values[1, 0, 3, 2] = np.nan
    given, found = outputs(kind, values, device, slope)
    lost = np.isnan(given)
    assert lost.any()
    np.testing.assert_array_equal(np.isnan(found), lost)
    there = ~lost
    expected = np.where(given > 0, given, np.float32(slope) * given)
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-5, atol=1e-6)
    assert not np.signbit(found[there & (found == 0)]).any(), "a zero has no sign that would be printed"


@pytest.mark.parametrize("number", [np.inf, 3.4e38, 1.5e-38])
def test_a_relu_keeps_what_is_large_and_small(number: float, device: Any) -> None:
    values = np.full((1, 1, 6, 5), number, np.float32)
    _, found = outputs("nothing", values, device)
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("number", [-3e38, 3e38, -np.inf, np.inf])
def test_statistics_that_are_infinite_are_told_without_warnings(number: float) -> None:
    given, found = outputs("batch norm", np.full((2, 64, 6, 5), number, np.float32), "cpu")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(given))


@pytest.mark.parametrize("channels", [3, WIDE])
@pytest.mark.parametrize("blob", ["mean", "variance", "gamma", "beta", "nothing"])
def test_statistics_that_are_nan_are_not_hidden_by_a_relu(blob: str, channels: int, device: Any) -> None:
    """A net whose averages were lost in its training gave 0 for that channel, and looked sound in tests."""
    for bias in (True, False) if blob != "beta" else (True,):
        for scale in (True, False) if blob not in ("gamma", "beta") else (True,):
            n = NetSpec("given")
            n.data = L.Input(shape=[dict(dim=[2, channels, 6, 5])])
            n.bn = L.BatchNorm(n.data)
            if scale:
                n.scale = L.Scale(n.bn, bias_term=bias, in_place=True)
            n.relu = L.ReLU(n.scale if scale else n.bn, in_place=True)
            net = Net(n, phase="test", seed=1, device=device)
            for values in net.params["bn"]:
                values.data[...] = 1
            names = {"mean": ("bn", 0), "variance": ("bn", 1), "gamma": ("scale", 0), "beta": ("scale", 1)}
            if blob in names:
                layer, index = names[blob]
                net.params[layer][index].data[2] = np.nan
            net.blobs["data"].data[...] = np.arange(5) - 1
            net.forward()
            found = net.blobs["bn"].data
            lost = np.arange(channels) == (2 if blob in names else -1)
            assert np.isnan(found[:, lost]).all()
            relu = np.maximum(np.arange(5) - 2, 0) / np.sqrt(1 + 1e-5)
            np.testing.assert_allclose(
                found[:, ~lost], np.broadcast_to(relu, found[:, ~lost].shape), rtol=1e-5
            )


def test_statistics_that_are_infinite_are_no_nan() -> None:
    """Infinite times 0, as a product of mean and variance, is none of theirs."""
    n = NetSpec("given")
    n.data = L.Input(shape=[dict(dim=[2, 4, 6, 5])])
    n.bn = L.BatchNorm(n.data)
    n.relu = L.ReLU(n.bn, in_place=True)
    net = Net(n, phase="test", seed=1)
    mean, variance, scale = net.params["bn"]
    mean.data[...], variance.data[...], scale.data[...] = [np.inf, -np.inf, 0, 0], [0, np.inf, np.inf, 1], 1
    net.blobs["data"].data[...] = 1
    net.forward()
    assert not np.isnan(net.blobs["bn"].data[:, 2:]).any()


def test_a_loss_says_that_an_image_holds_nan(device: Any) -> None:
    n = NetSpec("diverged")
    n.data, n.label = L.Input(shape=[dict(dim=[4, 3, 8, 8]), dict(dim=[4])], ntop=2)
    n.conv = L.Convolution(n.data, num_output=8, kernel_size=3, weight_filler=dict(type="msra"))
    n.relu = L.ReLU(n.conv, in_place=True)
    n.pool = L.Pooling(n.relu, pool=P.Pooling.AVE, global_pooling=True)
    n.ip = L.InnerProduct(n.pool, num_output=5, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    net = Net(n, phase="train", seed=1, device=device)
    net.blobs["data"].data[...] = 1
    net.blobs["data"].data[2, 1, 4, 4] = np.nan
    assert np.isnan(net.forward()["loss"])
