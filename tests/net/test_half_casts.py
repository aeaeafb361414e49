"""Nets in half precision: where values of both types meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit import L, Net, NetSpec, P
from tests.net.halves import GRADIENTS, small_net
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


@pytest.mark.parametrize("kind", ["Flatten", "Reduction", "InnerProduct", "SPP", "read twice"])
def test_any_top_may_be_a_loss(kind: str) -> None:
    n = NetSpec("weighted")
    n.data = L.DummyData(shape=dict(dim=[4, 6]), data_filler=dict(type="gaussian", std=1))
    n.fc = L.InnerProduct(n.data, num_output=6, weight_filler=dict(type="xavier"))
    if kind == "SPP":
        n.square = L.Reshape(n.fc, shape=dict(dim=[4, 1, 2, 3]))
    n.loss = {
        "Flatten": lambda: L.Flatten(n.fc, loss_weight=0.5),
        "Reduction": lambda: L.Reduction(n.fc, loss_weight=0.5),
        "InnerProduct": lambda: L.InnerProduct(
            n.fc, num_output=5, weight_filler=dict(type="xavier"), loss_weight=0.5
        ),
        "SPP": lambda: L.SPP(n.square, pyramid_height=2, pool=P.Pooling.AVE, loss_weight=0.5),
        "read twice": lambda: L.Reduction(n.fc, loss_weight=0.5),
    }[kind]()
    if kind == "read twice":
        n.first, n.second = L.Power(n.loss), L.Power(n.loss)
    device = emulated_gpu.emulated_device()
    exact, rounded = (
        Net(n, phase="train", device=device, seed=3, dtype=each) for each in ("float32", "float16")
    )
    rounded.loss_scale.set(2.0**8)  # type: ignore[union-attr]
    for net in (exact, rounded):
        for _ in range(3):
            net.clear_param_diffs()
            net.forward_backward()
    assert rounded.loss == pytest.approx(exact.loss, abs=0.05)
    mine, theirs = (net.params["fc"][0].diff for net in (rounded, exact))
    assert theirs.any()
    np.testing.assert_allclose(mine, theirs, 0.02, 0.02)


def test_a_sum_of_both_types_gives_both_their_gradients() -> None:
    """A gradient that passes unchanged is memory in common only where it is one type's."""
    n = NetSpec("mixed")
    n.data = L.DummyData(shape=dict(dim=[4, 6]), data_filler=dict(type="gaussian", std=1))
    n.fc = L.InnerProduct(n.data, num_output=6, weight_filler=dict(type="xavier"))
    n.learned = L.Parameter(shape=dict(dim=[4, 6]))
    n.sum = L.Eltwise(n.fc, n.learned)
    n.loss = L.Reduction(n.sum, operation=P.Reduction.SUMSQ, loss_weight=0.5)
    device = emulated_gpu.emulated_device()
    exact, rounded = (
        Net(n, phase="train", device=device, seed=3, dtype=each) for each in ("float32", "bfloat16")
    )
    for net in (exact, rounded):
        for _ in range(3):
            net.clear_param_diffs()
            net.forward_backward()
    assert (rounded.blobs["fc"].dtype, rounded.blobs["learned"].dtype) == ("bfloat16", "float32")
    for name in ("fc", "learned"):
        mine, theirs = (net.params[name][0].diff for net in (rounded, exact))
        assert theirs.any()
        np.testing.assert_allclose(mine, theirs, 0.05, 0.05)


def test_targets_of_a_regression_are_not_rounded() -> None:
    n, target = NetSpec("far"), 100_001.0  # more than float16 can hold
    n.data, n.target = L.DummyData(
        shape=[dict(dim=[4, 6]), dict(dim=[4, 2])],
        data_filler=[dict(type="gaussian", std=1), dict(type="constant", value=target)], ntop=2,
    )  # fmt: skip
    n.fc = L.InnerProduct(n.data, num_output=2, bias_filler=dict(type="constant", value=32_000), name="fc")
    n.loss = L.EuclideanLoss(n.fc, n.target)
    net = Net(n, phase="train", device=emulated_gpu.emulated_device(), seed=3, dtype="float16")
    net.forward()
    assert net.loss == pytest.approx((target - 32_000) ** 2, rel=1e-6)


def test_a_pass_in_parts_gives_the_gradients_of_a_whole_one() -> None:
    device = emulated_gpu.emulated_device()
    net = Net(small_net(), phase="train", device=device, seed=3, dtype="float16", fuse=False)
    net.loss_scale.set(2.0**8)  # type: ignore[union-attr]
    net.forward_backward()
    whole = [p.blob.diff.copy() for p in net.learnable]
    net.clear_param_diffs()
    middle = net.layer_names.index("fc")
    net.backward(end="fc")
    net.backward(start=net.layer_names[middle - 1])
    for parameter, expected in zip(net.learnable, whole, strict=True):
        error = np.linalg.norm(parameter.blob.diff - expected)
        assert error <= GRADIENTS["float16"] * np.linalg.norm(expected), parameter.name


def failing(failures: list[str]) -> type:
    """A Python layer that fails in the method named by the last of `failures`, and takes that off."""

    class Fails:
        def reshape(self, bottom: Any, top: Any) -> None:
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom: Any, top: Any) -> None:
            self.fail("forward")
            top[0].data[...] = bottom[0].data

        def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
            self.fail("backward")
            bottom[0].diff[...] = top[0].diff

        def fail(self, method: str) -> None:
            if failures[-1:] == [method]:
                failures.pop()
                raise ZeroDivisionError(method)

    return Fails


def failing_net(failures: list[str], dtype: str = "float16") -> Net:
    owlkit.layer(name="FailsInHalf")(failing(failures))
    n = NetSpec("fails")
    n.data, n.label = L.DummyData(
        shape=[dict(dim=[4, 6]), dict(dim=[4])],
        data_filler=[dict(type="constant", value=1), dict(type="constant", value=1)], ntop=2,
    )  # fmt: skip
    n.fc = L.InnerProduct(n.data, num_output=6, weight_filler=dict(type="xavier"))
    n.own = L.FailsInHalf(n.fc)
    n.loss = L.SoftmaxWithLoss(n.own, n.label)
    return Net(n, phase="train", device=emulated_gpu.emulated_device(), seed=3, dtype=dtype)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_layer_that_fails_between_casts_is_named_and_leaves_nothing_behind(method: str) -> None:
    failures: list[str] = []
    net = failing_net(failures)
    net.forward_backward()
    expected = net.params["fc"][0].diff.copy()
    failures += [method, method]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match=method) as caught:
            net.forward_backward()
        assert caught.value.__notes__ == [f"in {method} of layer 'own' (FailsInHalf)"]
    assert net.blobs["loss"].diff == 1, "without the scale"
    net.clear_param_diffs()
    net.forward_backward()
    np.testing.assert_array_equal(net.params["fc"][0].diff, expected)


def test_casts_keep_their_memory_where_plans_change() -> None:
    net = failing_net([])
    inner = []
    for _ in range(2):
        net.forward(end="own")  # a stepping plan
        net.forward()
        inner.append(net.layers[-2].cast_bottoms[0])
    assert inner[0] is inner[1] is net.plan.steps[-2].casts.inner[0]  # type: ignore[union-attr]
