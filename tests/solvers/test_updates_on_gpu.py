"""Updates on a GPU (the stand-in): as on the CPU, with factors that change between replays, off the host."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from owlkit.core.blob import Blob
from owlkit.core.device import resolve_device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import update
from owlkit.kernels.update import SLOTS
from owlkit.net.parameters import Parameter, build_arena
from owlkit.net.replays import Replays
from owlkit.proto import caffe_pb2
from owlkit.solvers.rules import make_rule
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

SHAPES = [(4, 3, 3, 2), (4,), (70, 31), (5,)]


def _net(device: Any, dtype: str = "float32") -> Any:
    """Two groups of parameters, filters channels-last where the device wants that; gradients of norm > 1."""
    learnable = []
    for index, shape in enumerate(SHAPES):
        blob = Blob(shape, dtype, parameter=True)
        if device.filters_channels_last and len(shape) == 4:
            blob.lay_channels_last()
        learnable.append(Parameter(blob, f"p{index}", "p", 0, 1.0 + index % 2, 1.0 - index % 2))
    arena = build_arena(learnable, dtype)
    net = SimpleNamespace(device=device, learnable=learnable, arena=arena)
    net.captures = net.loss_scale = None
    rng = np.random.default_rng(1)
    for parameter in learnable:
        parameter.blob.data[...] = rng.standard_normal(parameter.blob.shape)
        parameter.blob.diff[...] = rng.standard_normal(parameter.blob.shape)
    return net


def _param(rule: str, **fields: Any) -> Any:
    momentum = {} if rule in ("AdaGrad", "RMSProp") else {"momentum": 0.9}
    return caffe_pb2.SolverParameter(type=rule, weight_decay=1e-2, **momentum, **fields)


def _arrays(net: Any, rule: Any) -> list[np.ndarray]:
    blobs = [parameter.blob for parameter in net.learnable]
    return [b.data.copy() for b in blobs] + [b.diff.copy() for b in blobs] + [h.copy() for h in rule.history]


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("rule", list(SLOTS))
def test_equals_the_update_on_the_cpu(rule: str, leave: bool) -> None:
    results = []
    for device in (resolve_device("cpu"), emulated_gpu.emulated_device()):
        net = _net(device, "float64")
        bound = make_rule(_param(rule, clip_gradients=0.5), net)
        bound.leaves_update = leave
        for iteration in range(3):
            bound.apply(0.1 / (1 + iteration), 0.5, iteration)
        results.append(_arrays(net, bound))
    for cpu, gpu in zip(*results, strict=True):
        np.testing.assert_allclose(gpu, cpu, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("limit", [0.0, 0.25, 1e9])
def test_a_captured_update_takes_new_factors_and_clips(limit: float) -> None:
    """The launches of one iteration, replayed in others: the rate of each of them counts."""
    rates, results = (0.1, 0.05, 0.3, 0.2), []
    for captured in (False, True):
        device = emulated_gpu.emulated_device()
        net = _net(device)
        rule = make_rule(_param("Adam", clip_gradients=limit), net)
        rule.apply(rates[0], 1.0, 0)
        replays = Replays(device.gpu, lambda calls: [call() for call in calls], [])
        for iteration, rate in enumerate(rates[1:], start=1):
            rule.set_factors(rate, 1.0, iteration)
            if captured:
                replays.run("update", [("update", rule.launch)])
            else:
                rule.launch()
        assert replays.captured("update") == captured
        results.append(_arrays(net, rule))
    for direct, replayed in zip(*results, strict=True):
        np.testing.assert_array_equal(replayed, direct)


def test_launching_touches_nothing_on_the_host() -> None:
    device = emulated_gpu.emulated_device()
    rule = make_rule(_param("SGD", clip_gradients=0.25), _net(device))
    rule.apply(0.1, 1.0, 0)
    seen: list[str] = []
    device.gpu.watch(lambda what, mirror: seen.append(what))
    rule.launch()
    assert seen, "the kernels write"
    assert not {"look", "peek", "upload"} & set(seen)


def test_a_group_at_rest_is_left_alone() -> None:
    """With lr_mult 0 nothing is launched; what Caffe leaves in the gradients is 0."""
    device = emulated_gpu.emulated_device()
    net = _net(device)
    net.arena[1].lr_mult = 0.0
    rule = make_rule(_param("SGD"), net)
    rule.leaves_update = True
    before = net.learnable[1].blob.data.copy()
    rule.apply(0.1, 1.0, 0)
    np.testing.assert_array_equal(net.learnable[1].blob.data, before)
    assert not net.learnable[1].blob.diff.any()
    assert net.learnable[0].blob.diff.any()
    assert device.gpu.driver.launched.count("update_and_leave") == 1


def test_histories_show_caffes_order_and_can_be_set() -> None:
    device = emulated_gpu.emulated_device()
    net = _net(device)
    rule = make_rule(_param("SGD"), net)
    for history in rule.history:
        history[...] = np.arange(history.size).reshape(history.shape)
    rule.history_changed()
    decay, data = 0.01, net.learnable[0].blob.data.copy()
    gradient = net.learnable[0].blob.diff.copy()
    rule.apply(0.5, 1.0, 0)
    expected = 0.9 * np.arange(72).reshape(SHAPES[0]) + 0.5 * (gradient + decay * data)
    np.testing.assert_allclose(rule.history[0], expected, rtol=1e-5, atol=1e-5)
    assert rule.history_tensors[0].descriptor.channels_last


def test_half_precision() -> None:
    """Sums and factors are float32; what is stored is rounded once."""
    device = emulated_gpu.emulated_device()
    values = Descriptor((1003,), "float16")
    kernel = update.make(device, update.Update("SGD", values, momentum=0.9))
    data, diff, history = (Tensor(values) for _ in range(3))
    rng = np.random.default_rng(0)
    for tensor in (data, diff, history):
        tensor.flat[...] = rng.standard_normal(1003)
    w, g, h = (tensor.flat.astype(np.float32) for tensor in (data, diff, history))
    kernel.set_factors(0.25, 0.5, 0.125)
    kernel(data, diff, (history,))
    step = 0.9 * h + 0.25 * (0.5 * g + 0.125 * w)
    np.testing.assert_allclose(data.flat, w - step, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(history.flat, step, rtol=2e-3, atol=2e-3)
