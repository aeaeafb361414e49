"""Nets whose convolutions are cuDNN's, on the stand-in: what a plan shows, captures, gradients added up."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
FILLER = dict(type="gaussian", std=0.3)
RNG = np.random.default_rng(0)


def spec() -> NetSpec:
    """A convolution with ReLU, one whose ReLU stands alone after it for want of a bias, a Deconvolution."""
    n = NetSpec("small", force_backward=True)
    n.data = L.Input(shape=dict(dim=[2, 4, 7, 6]))
    n.conv1 = L.Convolution(
        n.data, kernel_size=3, num_output=8, group=2, pad=1, weight_filler=FILLER, bias_filler=FILLER
    )
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.conv2 = L.Convolution(n.relu1, kernel_size=3, num_output=6, bias_term=False, weight_filler=FILLER)
    n.relu2 = L.ReLU(n.conv2, in_place=True)
    n.up = L.Deconvolution(
        n.relu2, convolution_param=dict(num_output=4, kernel_size=4, stride=2, weight_filler=FILLER)
    )
    n.out = L.Sigmoid(n.up, loss_weight=1)
    return n


def build(device: object, dtype: str = "float32") -> Net:
    return Net(spec(), phase="train", device=device, seed=1, dtype=dtype)  # type: ignore[arg-type]


def test_the_plan_shows_engines_and_workspace() -> None:
    """The nondeterministic engine is the first for gradients where tensor cores are barred."""
    net = build(emulated_gpu.emulated_device(cudnn=True))
    text = str(net.plan)
    assert text.count("cudnn (eng25 eng25 eng25, 100 B)") == 3
    assert "made without cuDNN" not in text


def test_the_plan_shows_what_was_timed() -> None:
    """A net whose convolution has one pixel: our product takes no time on the stand-in's clock."""
    n = NetSpec("pointwise")
    n.data = L.Input(shape=dict(dim=[2, 4, 7, 6]))
    n.conv1 = L.Convolution(n.data, kernel_size=1, num_output=8, weight_filler=FILLER)
    n.out = L.Sigmoid(n.conv1, loss_weight=1)
    device = emulated_gpu.emulated_device(cudnn=True, tune=True)
    text = str(Net(n, phase="train", device=device, seed=1).plan)
    assert "cuda (gemm, 0 ms)" in text
    assert "cudnn: slower, 2 ms" in text  # forward and the weights' gradient


def test_the_plan_shows_why_not() -> None:
    """Without cuDNN, and for a dtype that is left to our kernels."""
    missing = str(build(emulated_gpu.emulated_device()).plan)
    assert missing.count("cudnn: the stand-in for a GPU was made without cuDNN") == 3
    double = str(build(emulated_gpu.emulated_device(cudnn=True), "float64").plan)
    assert double.count("not for float64") == 3


@pytest.mark.parametrize("options", [{}, dict(deterministic=True), dict(tf32=True), dict(tune=True)])
def test_passes_are_captured_and_equal_the_cpus(options: dict[str, bool]) -> None:
    """With gradients that add up over passes, as with iter_size."""
    device = emulated_gpu.emulated_device(cudnn=True, **options)
    ours, theirs = build(device), build("cpu")
    for _ in range(3):
        for net in (ours, theirs):
            net.clear_param_diffs()
        for _ in range(3):
            images = RNG.standard_normal(ours.blobs["data"].shape)
            for net in (ours, theirs):
                net.blobs["data"].data[...] = images
                net.forward_backward()
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
        for name, blobs in theirs.params.items():
            for mine, blob in zip(ours.params[name], blobs, strict=True):
                scale = 1e-4 * float(np.abs(blob.diff).max())
                np.testing.assert_allclose(mine.diff, blob.diff, 1e-4, scale, err_msg=name)
        np.testing.assert_allclose(ours.blobs["data"].diff, theirs.blobs["data"].diff, 1e-4, 1e-6)
    assert "forward is captured; backward is captured" in repr(ours.plan)
