"""A net that cannot fit into the machine's memory says so, before the system ends the process."""

from __future__ import annotations

from pathlib import Path

import pytest

import owlkit
from owlkit import L, Net, NetSpec, Run, Solver
from owlkit.core import machine
from owlkit.core.errors import NetError
from tests.net.definitions import SMALL, parse


def with_batch(number: int) -> str:
    return SMALL.replace("dim: 4 dim: 3", f"dim: {number} dim: 3").replace(
        "shape { dim: 4 }", f"shape {{ dim: {number} }}"
    )


def test_a_batch_that_cannot_fit_is_refused_with_what_takes_most() -> None:
    net = Net(parse(with_batch(2_000_000_000)))  # 3 TB for conv1; only shapes so far
    with pytest.raises(NetError, match=r"need .* GB, .*'conv1' alone .* batch size \(2,000,000,000 now\)"):
        net.forward()


def test_a_training_counts_gradients_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_forward = sum(blob.descriptor.nbytes for blob in Net(parse(SMALL)).blobs.values())
    monkeypatch.setattr(machine, "memory_with_swap", lambda: bytes_forward)
    net = Net(parse(SMALL), phase="train")
    net.forward()
    solver = Solver(parse(SMALL), base_lr=0.1)  # to look at it, and to change its weights
    solver.net.params["conv1"][0].data[...] = 0
    assert "conv1" in str(solver.net.plan)
    for _ in range(2):
        with pytest.raises(NetError, match=r"blobs and their gradients need .*; iter_size adds batches up"):
            solver.step()


def test_a_training_that_does_not_fit_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "memory_with_swap", lambda: 1000)
    prefix = str(tmp_path / "out" / "a")
    solver = Solver(parse(SMALL), base_lr=0.1, max_iter=2, snapshot=1, snapshot_prefix=prefix)
    for train in (solver.solve, Run(solver).run):
        with pytest.raises(NetError, match="and their gradients need"):
            train()
    assert list(tmp_path.iterdir()) == []


def test_where_the_memory_is_not_known_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory_with_swap", lambda: None)
    assert "loss" in Net(parse(SMALL)).forward()


def test_a_part_that_fits_runs_and_a_plan_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(parse(SMALL))
    blobs = {name: net.blobs[name].descriptor.nbytes for name in ("data", "label", "conv1")}
    monkeypatch.setattr(machine, "memory_with_swap", lambda: sum(blobs.values()))
    assert "conv1" in str(net.plan)
    assert "conv1" in net.forward(end="relu1")
    with pytest.raises(NetError, match="its blobs need"):
        net.forward(end="pool1")
    with pytest.raises(NetError, match="its blobs need"):
        net.forward()  # also where its plan is there
    with pytest.raises(NetError, match="its blobs need"):
        net.warmup()
    with pytest.raises(NetError, match="its blobs need"):
        owlkit.inspect(net).time(1)


def test_data_that_cannot_fit_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources show their first values when they are planned, as in Caffe."""
    shape = "shape { dim: 2000000000 dim: 1000 }"
    dummy = f'layer {{ name: "data" type: "DummyData" top: "data" dummy_data_param {{ {shape} }} }}'
    net = Net(parse(dummy))
    monkeypatch.setattr(net.layers[0], "prepare", lambda *_: pytest.fail("too late"))
    with pytest.raises(NetError, match="'data' alone needs 8e"):
        _ = net.plan


def test_gradients_that_share_memory_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of three: each of them gets the gradient of the sum, in its memory."""
    n = NetSpec()
    n.data, n.label = L.Input(shape={"dim": [4, 8]}), L.Input(shape={"dim": [4]})
    parts = [L.InnerProduct(n.data, num_output=1000, bias_term=False) for _ in range(3)]
    n.sum = L.Eltwise(*parts)
    n.loss = L.SoftmaxWithLoss(n.sum, n.label)
    definition = n.to_proto()
    blob = 4 * 1000 * 4
    monkeypatch.setattr(machine, "memory_with_swap", lambda: 5 * blob + 1000)  # four of data, one of gradient
    Solver(definition, base_lr=0.1).step(1)
    monkeypatch.setattr(machine, "memory_with_swap", lambda: 5 * blob)
    with pytest.raises(NetError, match="and their gradients need"):
        Solver(definition, base_lr=0.1).step(1)


def test_swap_counts() -> None:
    whole, memory = machine.memory_with_swap(), machine.cpu().memory_bytes
    assert whole is not None
    assert memory is not None
    assert whole >= memory
