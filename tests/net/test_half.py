"""Nets in half precision on the stand-in: what is rounded, what is not, and that they train as in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, P
from owlkit.core.errors import NetError
from tests.net.halves import GRADIENTS, HALF, TOLERANCES, small_net, solver
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


@pytest.mark.parametrize("dtype", HALF)
def test_what_is_rounded_and_what_is_not(dtype: str) -> None:
    net = solver(dtype).net
    found = {name: blob.dtype for name, blob in net.blobs.items()}
    assert {name for name, each in found.items() if each == "float32"} == {
        "data", "label", "label_data_1_split_0", "label_data_1_split_1", "loss", "accuracy"
    }  # fmt: skip
    assert set(found.values()) == {"float32", dtype}
    assert {blob.dtype for blobs in net.params.values() for blob in blobs} == {"float32"}
    working = {layer.name: {blob.dtype for blob in layer.working} for layer in net.layers if layer.working}
    assert {name for name, each in working.items() if each == {dtype}} == {"conv1", "conv2", "fc"}


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("fuse", [True, False])
def test_gradients_are_those_of_float32(dtype: str, fuse: bool) -> None:
    device = emulated_gpu.emulated_device()
    exact, rounded = (
        Net(small_net(), phase="train", device=device, seed=3, fuse=fuse, dtype=each)
        for each in ("float32", dtype)
    )
    if rounded.loss_scale is not None:
        rounded.loss_scale.set(2.0**8)  # what a training finds by itself
    for net in (exact, rounded):
        net.forward_backward()
        net.clear_param_diffs()
        for _ in range(3):  # watched, captured, replayed; added up
            net.forward_backward()
    assert rounded.loss == pytest.approx(exact.loss, rel=TOLERANCES[dtype])
    for name, blobs in exact.params.items():
        for theirs, mine in zip(blobs, rounded.params[name], strict=True):
            error = np.linalg.norm(mine.diff - theirs.diff) / (np.linalg.norm(theirs.diff) + 1e-12)
            assert error < GRADIENTS[dtype], f"{mine.name}: {error:.3g}"


def test_sums_on_the_host_are_float32s() -> None:
    """Convolution along four axes has no kernel on a GPU; in bfloat16 a sum of ones would stop at 256."""
    n = NetSpec("volumes", force_backward=True)
    n.data = L.Input(shape=dict(dim=[2, 1, 811, 2, 2, 2]))
    n.conv = L.Convolution(n.data, kernel_size=[300, 1, 1, 1], num_output=1, weight_filler=dict(value=1))
    n.loss = L.Reduction(n.conv, loss_weight=1)
    net = Net(n, phase="train", device=emulated_gpu.emulated_device(), dtype="bfloat16")
    net.forward_backward()
    assert net.params["conv"][1].diff == 2 * 512 * 2**3
    assert net.blobs["data"].diff.max() == 300  # windows that see one pixel


@pytest.mark.parametrize("dtype", HALF)
def test_trains_as_float32_does_captured_or_not(dtype: str) -> None:
    theirs, mine, plain = solver("float32"), solver(dtype), solver(dtype, graph=False)
    for each in (mine, plain):
        if each.net.loss_scale is not None:
            each.net.loss_scale.set(2.0**8)
    for _ in range(6):
        for each in (theirs, mine, plain):
            each.step(1)
        assert mine.smoothed_loss == pytest.approx(theirs.smoothed_loss, rel=5 * TOLERANCES[dtype])
        assert mine.smoothed_loss == plain.smoothed_loss
    assert "CUDA graphs: an iteration is captured" in str(mine.net.plan)
    for one, other in zip(mine.net.learnable, plain.net.learnable, strict=True):
        np.testing.assert_array_equal(one.blob.data, other.blob.data, err_msg=one.name)


@pytest.mark.parametrize("dtype", HALF)
def test_where_a_maximum_was_found_is_not_rounded(dtype: str) -> None:
    """Float16 has no odd number above 2048, bfloat16 none above 256."""
    n = NetSpec("mask")
    n.data = L.Input(shape=dict(dim=[1, 1, 3, 1001]))
    n.conv = L.Convolution(n.data, kernel_size=1, num_output=1, weight_filler=dict(type="constant", value=1))
    n.pool, n.mask = L.Pooling(n.conv, ntop=2, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    net = Net(n, device=emulated_gpu.emulated_device(), dtype=dtype)
    x = np.zeros((1, 1, 3, 1001), np.float32)
    x[..., 2, 1::2] = 1  # 2003, 2005 and so on
    found = net.forward(data=x)
    assert net.blobs["pool"].dtype == dtype
    np.testing.assert_array_equal(found["mask"].ravel(), 2003 + 2 * np.arange(500))


@pytest.mark.parametrize("dtype", HALF)
def test_resumes_bit_for_bit(dtype: str, tmp_path: Any) -> None:
    whole, first = solver(dtype), solver(dtype)
    if dtype == "float16":
        for each in (whole, first):
            each.net.loss_scale.set(2.0**12, streak=5)  # type: ignore[union-attr]
    whole.step(4)
    first.step(2)
    _, state = first.snapshot(str(tmp_path / "s"))
    second = solver(dtype)
    second.restore(state)
    second.step(2)
    for one, other in zip(whole.net.learnable, second.net.learnable, strict=True):
        np.testing.assert_array_equal(one.blob.data, other.blob.data, err_msg=one.name)
    if dtype == "float16":
        assert whole.net.loss_scale.saved() == second.net.loss_scale.saved()  # type: ignore[union-attr]


def test_test_nets_and_float32_twins_see_the_same_weights() -> None:
    device = emulated_gpu.emulated_device()
    train = Net(small_net(), phase="train", device=device, seed=3, dtype="bfloat16")
    test = Net(small_net(), phase="test", device=device, seed=3, dtype="bfloat16", share=train)
    twin = Net(small_net(), phase="test", device=device, seed=3, share=train)
    for _ in range(5):
        train.forward()  # running statistics
    images = np.random.default_rng(0).standard_normal((4, 3, 12, 12))
    for _ in range(2):
        for net in (test, twin):
            net.blobs["data"].data[...] = images
            net.forward(start="conv1")
        np.testing.assert_allclose(
            test.blobs["fc"].data.astype(np.float32), twin.blobs["fc"].data, 0.05, 0.05
        )
        train.params["fc"][0].data[...] *= -0.5
    with pytest.raises(
        NetError, match=r"conv1: parameter 0 lies otherwise in memory .* give both nets one device"
    ):
        Net(small_net(), phase="test", device="cpu", share=train)


def test_weights_that_layers_share_get_both_gradients() -> None:
    n, shared = NetSpec("twins"), [dict(name="w"), dict(name="b")]
    n.data, n.label = L.DummyData(
        shape=[dict(dim=[4, 6]), dict(dim=[4])],
        data_filler=[dict(type="gaussian", std=1), dict(type="constant", value=1)], ntop=2,
    )  # fmt: skip
    options = dict(num_output=6, weight_filler=dict(type="xavier"), param=shared)
    n.one = L.InnerProduct(n.data, **options)
    n.two = L.InnerProduct(n.one, **options)
    n.loss = L.SoftmaxWithLoss(n.two, n.label)
    device = emulated_gpu.emulated_device()
    nets = [Net(n, phase="train", device=device, seed=3, dtype=each) for each in ("float32", "bfloat16")]
    for net in nets:
        net.forward_backward()
    exact, rounded = (net.params["one"][0].diff for net in nets)
    np.testing.assert_allclose(rounded, exact, 0.05, 0.02)


def test_weights_that_only_a_test_net_shares_by_name() -> None:
    def definition(*names: str) -> NetSpec:
        n, shared = NetSpec("one"), [dict(name="w"), dict(name="b")]
        n.data = L.Input(shape=dict(dim=[2, 4]))
        for name in names:
            n[name] = L.InnerProduct(
                n.data, num_output=4, weight_filler=dict(type="xavier"), param=shared, name=name
            )
        return n

    device = emulated_gpu.emulated_device()
    train = Net(definition("one"), phase="train", device=device, seed=1, dtype="float16")
    test = Net(definition("one", "two"), phase="test", device=device, seed=2, dtype="float16", share=train)
    outputs = test.forward(data=np.ones((2, 4)))
    assert outputs["one"].any()
    np.testing.assert_array_equal(outputs["one"], outputs["two"])


def test_says_what_it_cannot_do() -> None:
    with pytest.raises(NetError, match="dtype 'bfloat16' is for GPUs; on cpu nets compute in float32"):
        Net(small_net(), device="cpu", dtype="bfloat16")
