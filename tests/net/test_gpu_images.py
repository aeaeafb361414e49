"""Layers of images on a GPU (the stand-in): passes that leave the host alone, and the CPU's results."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P
from owlkit.core.gpu.device import GpuDevice
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
FILLER = dict(type="gaussian", std=0.3)
RNG = np.random.default_rng(0)


def _images() -> NetSpec:
    """Every layer here of images, one after another, each with what makes it special."""
    n = NetSpec("images", force_backward=True)
    n.data, n.label = L.Input(shape=dict(dim=[3, 4, 14, 13])), L.Input(shape=dict(dim=[3]))
    n.conv1 = L.Convolution(n.data, kernel_size=3, num_output=8, group=2, pad=1, weight_filler=FILLER)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.norm1 = L.LRN(n.relu1, local_size=5, alpha=0.3, beta=0.75)
    n.pool1 = L.Pooling(n.norm1, kernel_size=3, stride=2, pool=P.Pooling.MAX)
    n.norm2 = L.LRN(n.pool1, local_size=3, alpha=0.3, norm_region=P.LRN.WITHIN_CHANNEL)
    n.conv2 = L.Convolution(
        n.norm2, kernel_size=3, num_output=6, dilation=2, stride=2, pad=2, weight_filler=FILLER
    )
    n.up = L.Deconvolution(
        n.conv2, convolution_param=dict(num_output=4, kernel_size=4, stride=2, weight_filler=FILLER)
    )
    n.conv3 = L.Convolution(n.up, kernel_size=1, num_output=3, weight_filler=FILLER)
    n.pool2 = L.Pooling(n.conv3, kernel_size=3, stride=2, pad=1, pool=P.Pooling.AVE)
    n.columns = L.Im2col(n.pool2, convolution_param=dict(kernel_size=2, stride=1))
    n.pyramid = L.SPP(n.columns, pyramid_height=2, pool=P.SPP.MAX)
    n.ip = L.InnerProduct(n.pyramid, num_output=5, weight_filler=FILLER)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    return n


def _volumes() -> NetSpec:
    """Layers whose bottoms lie in C order, and one along another axis."""
    n = NetSpec("volumes", force_backward=True)
    n.data, n.label = L.Input(shape=dict(dim=[2, 2, 4, 5, 6])), L.Input(shape=dict(dim=[2]))
    n.conv1 = L.Convolution(
        n.data, kernel_size=3, num_output=4, pad=1, weight_filler=FILLER, bias_filler=FILLER
    )
    n.flat = L.Reshape(n.conv1, reshape_param=dict(shape=dict(dim=[2, 4, 4, 30])))
    n.conv2 = L.Convolution(n.flat, axis=2, kernel_size=5, stride=5, num_output=2, weight_filler=FILLER)
    n.up = L.Deconvolution(
        n.conv2, convolution_param=dict(num_output=2, kernel_size=2, axis=2, weight_filler=FILLER)
    )
    n.ip = L.InnerProduct(n.up, num_output=3, weight_filler=FILLER)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    return n


def _device(**options: bool) -> GpuDevice:
    """A device on which all kernels are our own, or cuDNN's (cudnn=True): nothing computes on the host."""
    device = emulated_gpu.emulated_device(**options)
    device.implementations = ("cudnn", "cuda")
    return device


def _pass(net: Net) -> None:
    net.clear_param_diffs()
    net.forward()
    net.backward()


def _pass_on_the_gpu_alone(net: Net, device: GpuDevice) -> None:
    """A pass in which the host sees the loss and nothing else."""
    loss = net.blobs["loss"].memory("data").mirror
    touched: list[str] = []

    def observe(what: str, mirror: object) -> None:
        if mirror is not loss:
            touched.append(what)

    stop = device.gpu.watch(observe)
    _pass(net)
    stop()
    assert "write" in touched, "the observer sees what happens"
    assert set(touched) <= {"read", "write"}


@pytest.mark.parametrize(("dtype", "cudnn"), [("float32", False), ("float64", False), ("float32", True)])
@pytest.mark.parametrize("make_spec", [_images, _volumes])
def test_a_pass_equals_the_cpus_and_leaves_the_host_alone(make_spec: object, dtype: str, cudnn: bool) -> None:
    device = _device(graph=False, cudnn=cudnn)
    options = dict(phase="train", seed=3, dtype=dtype)
    ours = Net(make_spec(), device=device, **options)  # type: ignore[operator]
    theirs = Net(make_spec(), device="cpu", **options)  # type: ignore[operator]
    images = RNG.standard_normal(ours.blobs["data"].shape)
    inputs = {"data": images, "label": range(len(images))}
    for net in (ours, theirs):
        net.forward(**inputs)
        net.backward()
    _pass_on_the_gpu_alone(ours, device)
    _pass(theirs)
    tolerance = 2e-4 if dtype == "float32" else 1e-11
    for name, blob in theirs.blobs.items():
        scale = tolerance * max(1.0, float(np.abs(blob.data).max()))
        np.testing.assert_allclose(ours.blobs[name].data, blob.data, tolerance, scale, err_msg=name)
    for name, blobs in theirs.params.items():
        for mine, blob in zip(ours.params[name], blobs, strict=True):
            assert np.abs(blob.diff).max() > 0, f"{name} has no gradient: the comparison would be empty"
            scale = tolerance * max(1.0, float(np.abs(blob.diff).max()))
            np.testing.assert_allclose(mine.diff, blob.diff, tolerance, scale, err_msg=name)
    np.testing.assert_allclose(ours.blobs["data"].diff, theirs.blobs["data"].diff, tolerance, tolerance)


def _stochastic() -> NetSpec:
    n = NetSpec("stochastic", force_backward=True)
    n.data, n.label = L.Input(shape=dict(dim=[2, 3, 6, 6])), L.Input(shape=dict(dim=[2]))
    n.pool = L.Pooling(n.data, kernel_size=2, stride=2, pool=P.Pooling.STOCHASTIC)
    n.ip = L.InnerProduct(n.pool, num_output=3, weight_filler=FILLER)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    return n


def test_stochastic_pooling_draws_anew_without_the_host() -> None:
    device = _device(graph=False)
    net = Net(_stochastic(), phase="train", device=device, seed=3)
    net.forward(data=RNG.random((2, 3, 6, 6)), label=[0, 2])
    net.backward()
    drawn = [net.blobs["pool"].data_tensor.peek().copy()]
    _pass_on_the_gpu_alone(net, device)
    drawn.append(net.blobs["pool"].data_tensor.peek().copy())
    assert not np.array_equal(*drawn)
    np.testing.assert_array_equal(
        net.blobs["data"].diff != 0, np.isin(net.blobs["data"].data, drawn[1]), "dy goes where y came from"
    )


def test_stochastic_pooling_goes_on_where_it_stood() -> None:
    """Of its own, and in a pyramid, whose levels draw for themselves."""
    n = _stochastic()
    n.pyramid = L.SPP(n.data, pyramid_height=2, pool=P.SPP.STOCHASTIC)
    net = Net(n, phase="train", device=_device(), seed=3)
    net.forward(data=RNG.random((2, 3, 6, 6)), label=[0, 2])
    state = net.state()
    drawn = []
    for _ in range(2):
        net.forward()
        drawn.append({name: net.blobs[name].data_tensor.peek().copy() for name in ("pool", "pyramid")})
        net.restore_state(state)
    for name, values in drawn[0].items():
        np.testing.assert_array_equal(values, drawn[1][name])
    net.forward()
    net.forward()
    for name, values in drawn[0].items():
        assert not np.array_equal(values, net.blobs[name].data_tensor.peek()), name


@pytest.mark.parametrize("make_spec", [_images, _volumes])
def test_a_captured_pass_equals_one_that_is_not(make_spec: object) -> None:
    nets = [Net(make_spec(), phase="train", device=_device(graph=g), seed=3) for g in (True, False)]  # type: ignore[operator]
    images = RNG.standard_normal((4, *nets[0].blobs["data"].shape))
    for data in images:  # as it is, captured, replayed twice
        for net in nets:
            net.clear_param_diffs()
            net.forward(data=data, label=range(len(data)))
            net.backward()
    assert "backward is captured" in repr(nets[0].plan)
    for name, blobs in nets[1].params.items():
        for mine, blob in zip(nets[0].params[name], blobs, strict=True):
            np.testing.assert_array_equal(mine.diff, blob.diff, err_msg=name)
