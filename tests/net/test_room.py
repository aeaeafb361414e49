"""A net that cannot fit into the machine's memory says so, before the system ends the process."""

from __future__ import annotations

import pytest

from owlkit import Net, Solver
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
    with pytest.raises(NetError, match=r"blobs and their gradients need .*; iter_size adds batches up"):
        Solver(parse(SMALL), base_lr=0.1)


def test_where_the_memory_is_not_known_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory_with_swap", lambda: None)
    assert "loss" in Net(parse(SMALL)).forward()


def test_swap_counts() -> None:
    whole, memory = machine.memory_with_swap(), machine.cpu().memory_bytes
    assert whole is not None
    assert memory is not None
    assert whole >= memory
