"""Training on a GPU, proved on the stand-in: the same losses and weights as on the CPU, captured or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, NetSpec, P, Solver
from owlkit.core.errors import DataError
from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter
from tests.support import emulated_gpu
from tests.support.emulated_gpu.driver import EmulatedReplay

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
MOST_CALLS = 123  # of Python functions; by Python 3.11 there were 119


def first_layers() -> NetSpec:
    """Every kind of layer that a net of 2012 to 2015 has, tiny, up to the sum of two paths."""
    n, filler = NetSpec("small"), dict(type="xavier")
    n.data, n.label = L.DummyData(
        shape=[dict(dim=[4, 3, 12, 12]), dict(dim=[4])],
        data_filler=[dict(type="gaussian", std=1), dict(type="constant", value=2)],
        ntop=2,
    )
    n.conv1 = L.Convolution(n.data, kernel_size=3, pad=1, num_output=8, weight_filler=filler)
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.norm1 = L.LRN(n.relu1, local_size=3)
    n.pool1 = L.Pooling(n.norm1, kernel_size=3, stride=2, pool=P.Pooling.MAX)
    grouped = dict(kernel_size=3, pad=1, num_output=8, group=2, bias_term=False)
    n.conv2 = L.Convolution(n.pool1, weight_filler=filler, **grouped)
    n.bn = L.BatchNorm(n.conv2, in_place=True)
    n.scale = L.Scale(n.bn, bias_term=True, in_place=True)
    n.relu2 = L.ReLU(n.scale, in_place=True)
    n.sum = L.Eltwise(n.pool1, n.relu2)
    return n


def small_net() -> NetSpec:
    n = first_layers()
    n.fc = L.InnerProduct(n.sum, num_output=5, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    return n


def solver(device: Any, rule: str = "SGD", **fields: Any) -> Solver:
    momentum = {} if rule in ("AdaGrad", "RMSProp") else {"momentum": 0.9}
    options = {"base_lr": 0.01, "lr_policy": "inv", "gamma": 0.1, "power": 0.75, "type": rule, **momentum}
    return Solver(small_net(), device=device, seed=3, **(options | {"display": 0} | fields))


@pytest.mark.parametrize("rule", ["SGD", "Nesterov", "Adam", "AdaGrad", "RMSProp", "AdaDelta"])
def test_trains_as_on_the_cpu(rule: str) -> None:
    fields = {"weight_decay": 0.01, "clip_gradients": 2.0}
    ours, theirs = solver(emulated_gpu.emulated_device(), rule, **fields), solver("cpu", rule, **fields)
    for _ in range(5):
        for each in (ours, theirs):
            each.step(1)
        assert ours.smoothed_loss == pytest.approx(theirs.smoothed_loss, rel=2e-4)
    for mine, parameter in zip(ours.net.learnable, theirs.net.learnable, strict=True):
        np.testing.assert_allclose(mine.blob.data, parameter.blob.data, 1e-3, 1e-4, err_msg=mine.name)


def test_all_of_an_iteration_is_captured_and_moves_only_data() -> None:
    device = emulated_gpu.emulated_device()
    trained = solver(device)
    trained.step(3)
    told = repr(trained.net.plan)
    assert "CUDA graphs: an iteration is captured" in told
    before = len(device.gpu.driver.launched), device.gpu.uploaded_bytes, device.gpu.downloaded_bytes
    replays = device.gpu.driver.replays
    trained.step(2)
    assert len(device.gpu.driver.launched) == before[0], "only graphs are launched"
    assert device.gpu.driver.replays == replays + 2, "one for each iteration"
    images, rate, losses = 4 * 3 * 12 * 12 * 4, 3 * 3 * 4, 4
    assert device.gpu.uploaded_bytes - before[1] <= 2 * (images + 16 + rate)
    assert device.gpu.downloaded_bytes - before[2] == 2 * losses


@pytest.mark.parametrize("iter_size", [1, 3])
def test_captured_equals_not_captured_bit_for_bit(iter_size: int) -> None:
    first, second = (
        solver(emulated_gpu.emulated_device(graph=graph), iter_size=iter_size) for graph in (None, False)
    )
    for each in (first, second):
        each.step(5)
    for one, other in zip(first.net.learnable, second.net.learnable, strict=True):
        np.testing.assert_array_equal(one.blob.data, other.blob.data, err_msg=one.name)


def test_looking_at_weights_takes_no_memory() -> None:
    """It is done after hundreds of iterations, when the GPU may be full."""
    device = emulated_gpu.emulated_device()
    trained = solver(device)
    trained.step(3)
    free, _ = device.gpu.driver.memory()
    trained.check_weights()
    assert device.gpu.driver.memory()[0] == free


def test_a_learning_rate_set_by_hand_reaches_a_captured_update() -> None:
    trained = solver(emulated_gpu.emulated_device())
    trained.step(4)
    trained.lr = 0.0
    history = [np.array(h) for h in trained.history]
    before = [np.array(p.blob.data) for p in trained.net.learnable]
    trained.step(1)
    moved = [p.blob.data - b for p, b in zip(trained.net.learnable, before, strict=True)]
    for parameter, change, past in zip(trained.net.learnable, moved, history, strict=True):
        if parameter.lr_mult:  # BatchNorm follows its statistics by itself
            np.testing.assert_allclose(change, -0.9 * past, 1e-4, 1e-6, err_msg=parameter.name)


def test_resuming_is_bit_identical(tmp_path: Path) -> None:
    through = solver(emulated_gpu.emulated_device(), snapshot_prefix=str(tmp_path / "a"))
    through.step(3)
    _, state = through.snapshot()
    through.step(4)
    resumed = solver(emulated_gpu.emulated_device())
    resumed.restore(state)
    resumed.step(4)
    for one, other in zip(through.net.learnable, resumed.net.learnable, strict=True):
        np.testing.assert_array_equal(one.blob.data, other.blob.data, err_msg=one.name)


def test_a_wrong_label_stops_training_with_its_place() -> None:
    trained = solver(emulated_gpu.emulated_device())
    trained.step(3)
    node = trained.net.layer_dict["data"]
    trained.net.blobs["label"].data[...] = 9
    node.forward = lambda bottom, top: None
    with pytest.raises(DataError, match="label 9 at index 0"):
        trained.net.forward_backward()


def test_batches_come_by_a_lane_beside_the_work(tmp_path: Path) -> None:
    source = tmp_path / "lmdb"
    rng = np.random.default_rng(0)
    with RecordWriter(source) as writer:
        for i in range(20):
            image = rng.integers(0, 256, (3, 6, 6), np.uint8)
            writer.put(f"{i:08}", array_to_datum(image, i % 5).SerializeToString())

    def net() -> NetSpec:
        n = NetSpec("records")
        n.data, n.label = L.Data(
            source=str(source), batch_size=8, backend=P.Data.LMDB, ntop=2,
            transform_param=dict(scale=1 / 256, crop_size=5, mirror=True),
        )  # fmt: skip
        n.fc = L.InnerProduct(n.data, num_output=5, weight_filler=dict(type="xavier"))
        n.loss = L.SoftmaxWithLoss(n.fc, n.label)
        return n

    device = emulated_gpu.emulated_device()
    ours, theirs = (Solver(net(), device=d, seed=3, base_lr=0.1, lr_policy="fixed") for d in (device, "cpu"))
    for _ in range(6):
        ours.step(1)
        theirs.step(1)
        np.testing.assert_array_equal(ours.net.blobs["data"].peek(), theirs.net.blobs["data"].data)
        assert ours.smoothed_loss == pytest.approx(theirs.smoothed_loss, rel=1e-5)
    before = device.gpu.uploaded_bytes
    ours.step(1)
    assert device.gpu.uploaded_bytes - before <= 12, "the rate; images and labels come by the lane"


def test_the_host_does_little_for_an_iteration_that_is_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In calls of Python's, which no busy machine changes: `benchmarks/host_time.py` says what they take."""
    trained = solver(emulated_gpu.emulated_device(), lr_policy="fixed")
    trained.step(4)
    monkeypatch.setattr(EmulatedReplay, "launch", lambda replay: None)
    called: list[str] = []

    def calls(iterations: int) -> int:
        called.clear()
        sys.setprofile(lambda frame, event, _: called.append(event) if event == "call" else None)
        try:
            trained.step(iterations)
        finally:
            sys.setprofile(None)
        return len(called)

    alone = calls(1)
    found = (calls(11) - alone) / 10
    assert found < MOST_CALLS, f"{found:g} for each replay"


def test_a_step_that_is_asked_for_lies_in_the_gradients_of_a_captured_update() -> None:
    """The monitor asks for it now and then: the capture without it must not be replayed then."""
    trained = solver(emulated_gpu.emulated_device())
    trained.step(3)
    for asked in (True, False, True, True, True):
        before = [np.array(p.blob.data) for p in trained.net.learnable]
        trained.rule.leaves_update = asked
        trained.step(1)
        for parameter, values in zip(trained.net.learnable, before, strict=True):
            if parameter.lr_mult:
                moved = np.allclose(values - parameter.blob.data, parameter.blob.diff, 1e-3, 1e-6)
                assert moved == asked, parameter.name


@pytest.mark.parametrize("graph", [None, False])
def test_gradients_that_nothing_is_added_to_are_zeros(graph: bool | None) -> None:
    """Of a layer that leads to no loss: what lay in its gradients before must not move its weights."""
    n = small_net()
    n.side = L.InnerProduct(n.data, num_output=2, weight_filler=dict(type="xavier"))
    n.silence = L.Silence(n.side, ntop=0)
    device = emulated_gpu.emulated_device(graph=graph)
    trained = Solver(n, device=device, seed=3, base_lr=0.1, momentum=0.9, display=0)
    before = [np.array(blob.data) for blob in trained.net.params["side"]]
    for _ in range(4):  # watched, captured, replayed
        for blob in trained.net.params["side"]:
            blob.diff[...] = 5
        trained.step(1)
        for blob, values in zip(trained.net.params["side"], before, strict=True):
            np.testing.assert_array_equal(blob.data, values)
            assert not blob.diff.any()
