"""Nets in half precision on the stand-in: what is rounded, what is not, and that they train as in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit import L, Net, NetSpec, P, Solver
from owlkit.core.errors import NetError
from owlkit.kernels import masters
from tests.solvers.test_gpu_training import first_layers
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
HALF = ["float16", "bfloat16"]
#: Of a value after a few roundings.
TOLERANCES = {"float16": 4e-3, "bfloat16": 3e-2}
#: L2 norm of a gradient's error: where values are rounded, some maxima are found elsewhere.
GRADIENTS = {"float16": 0.05, "bfloat16": 0.15}


def small_net(**loss: Any) -> NetSpec:
    """Layers that narrow, follow and widen; Scale absorbed by BatchNorm and alone; a label behind a Split."""
    n = first_layers()
    n.slope = L.PReLU(n.sum)
    n.scale2 = L.Scale(n.slope, bias_term=True)
    n.fc = L.InnerProduct(n.scale2, num_output=5, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.fc, n.label, **loss)
    n.accuracy = L.Accuracy(n.fc, n.label)
    return n


def solver(dtype: str, **fields: Any) -> Solver:
    device = emulated_gpu.emulated_device(**{key: fields.pop(key) for key in ("graph",) if key in fields})
    options = {"base_lr": 0.01, "momentum": 0.9, "weight_decay": 0.01, "display": 0} | fields
    return Solver(small_net(), device=device, seed=3, dtype=dtype, **options)


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


def test_small_gradients_survive_by_the_scale_of_the_loss() -> None:
    net = Net(
        small_net(loss_weight=1e-7),
        phase="train",
        device=emulated_gpu.emulated_device(),
        seed=3,
        dtype="float16",
    )
    net.forward_backward()
    scaled = {p.name: p.blob.diff.copy() for p in net.learnable}
    assert net.loss_scale is not None
    assert net.blobs["loss"].diff == np.float32(1e-7), "as it was before"
    net.loss_scale.set(1)
    net.clear_param_diffs()
    net.forward_backward()
    lost = [p.name for p in net.learnable if scaled[p.name].any() and not p.blob.diff.any()]
    assert "conv1[0]" in lost, "without a scale they are rounded to zero"


def test_an_update_that_would_overflow_is_left_out_and_the_scale_halved() -> None:
    training = solver("float16")
    scale = training.net.loss_scale
    assert scale is not None
    training.step(3)
    before = [p.blob.data.copy() for p in training.net.learnable]
    history = [h.copy() for h in training.history]
    scale.set(2.0**24)
    training.step(1)
    assert (scale.value, scale.skipped) == (2.0**23, 1)
    for parameter, data in zip(training.net.learnable, before, strict=True):
        if not parameter.name.startswith("bn"):  # statistics are no gradient's
            np.testing.assert_array_equal(parameter.blob.data, data, err_msg=parameter.name)
    for mine, theirs in zip(training.history, history, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    while scale.skipped < 9 and scale.saved()["streak"] == 0:
        training.step(1)
    done, skipped = scale.saved()["streak"], scale.skipped
    training.step(2)
    assert (scale.saved()["streak"], scale.skipped) == (done + 2, skipped)
    assert any((p.blob.data != d).any() for p, d in zip(training.net.learnable, before, strict=True))


@pytest.mark.parametrize("graph", [None, False])
def test_a_pass_of_a_users_own_that_overflows_costs_no_update(graph: bool | None) -> None:
    """Its gradients are thrown away before the next iteration; those added to them are no better."""
    training = solver("float16", graph=graph)
    net, scale = training.net, training.net.loss_scale
    assert scale is not None
    training.step(3)  # the third is the first that a graph runs

    usual = scale.value
    for factor in (2.0**24, usual):
        scale.state.array[[masters.SCALE, masters.INVERSE]] = factor, 1 / factor
        net.forward_backward()  # the second one adds to what overflowed
        assert scale.state.peek()[masters.FOUND] == 1
    before, counted = [p.blob.data.copy() for p in net.learnable], scale.saved()
    training.step(1)
    assert scale.saved() == counted | {"streak": counted["streak"] + 1}, "nothing left out"
    assert any((p.blob.data != d).any() for p, d in zip(net.learnable, before, strict=True))


def test_the_scale_is_doubled_after_many_good_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("owlkit.kernels.masters.PATIENCE", 3)
    training = solver("float16")
    training.net.loss_scale.set(2.0**10)  # type: ignore[union-attr]
    training.step(7)
    assert training.net.loss_scale.value == 2.0**12  # type: ignore[union-attr]


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


def test_says_what_it_cannot_do() -> None:
    with pytest.raises(NetError, match="dtype 'bfloat16' is for GPUs; on cpu nets compute in float32"):
        Net(small_net(), device="cpu", dtype="bfloat16")
