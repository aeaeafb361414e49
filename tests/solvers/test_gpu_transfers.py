"""What crosses the bus in replayed iterations and tests, on the stand-in: losses and measures, no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from owlkit import L, Net, NetSpec, Solver
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

FLOAT = 4  # bytes
PRICES = [1, 1, 5, 5]  # the shape of an infogain matrix

#: What is compared -> (shape of the scores, of the labels and of more bottoms, the loss over all of them).
Kind = tuple[list[list[int]], Callable[..., Any]]
LOSSES: dict[str, Kind] = {
    "softmax": ([[4, 5], [4]], L.SoftmaxWithLoss),
    "softmax of maps": (
        [[4, 5, 3, 2], [4, 1, 3, 2]],
        lambda *bottoms: L.SoftmaxWithLoss(*bottoms, loss_param=dict(ignore_label=1)),
    ),
    "softmax of steps": ([[4, 5, 3], [4, 3]], L.SoftmaxWithLoss),
    "softmax of rows": (
        [[4, 2, 5, 3], [4, 2, 3]],
        lambda *bottoms: L.SoftmaxWithLoss(*bottoms, softmax_param=dict(axis=2)),
    ),
    "infogain": ([[4, 5], [4], PRICES], L.InfogainLoss),
    "infogain of steps": ([[4, 5, 3], [4, 3], PRICES], L.InfogainLoss),
    "logistic": ([[4, 5], [4]], L.MultinomialLogisticLoss),
    "hinge": ([[4, 5], [4]], L.HingeLoss),
    "squared hinge": ([[4, 5, 1, 1], [4]], lambda *b: L.HingeLoss(*b, hinge_loss_param=dict(norm=2))),
    "euclidean": ([[4, 5], [4, 5]], L.EuclideanLoss),
    "euclidean of maps": ([[4, 5, 3, 2], [4, 30]], L.EuclideanLoss),
    "sigmoid": ([[4, 5], [4, 5]], L.SigmoidCrossEntropyLoss),
    "contrastive": ([[4, 5], [4, 5], [4]], L.ContrastiveLoss),
}


def scored(kind: str) -> tuple[NetSpec, list[Any]]:
    """A net that learns a scale of random numbers, and what its loss compares: scores, labels, more."""
    n, shapes = NetSpec(kind), LOSSES[kind][0]
    fillers = [dict(type="gaussian", std=1.0)] + [dict(type="constant", value=1.0)] * (len(shapes) - 1)
    n.x, *others = L.DummyData(
        shape=[dict(dim=shape) for shape in shapes], data_filler=fillers, ntop=len(shapes)
    )
    for number, other in enumerate(others):
        setattr(n, f"given{number}", other)
    n.scores = L.Scale(n.x, filler=dict(type="constant", value=1.0))
    return n, [n.scores, *others]


class Moved:
    """Bytes over the bus since it was made."""

    def __init__(self, device: Any) -> None:
        self._gpu = device.gpu
        self._before = self._gpu.uploaded_bytes, self._gpu.downloaded_bytes

    @property
    def up(self) -> int:
        return int(self._gpu.uploaded_bytes - self._before[0])

    @property
    def down(self) -> int:
        return int(self._gpu.downloaded_bytes - self._before[1])


@pytest.mark.parametrize("kind", LOSSES)
def test_an_iteration_brings_its_loss_to_the_host_and_nothing_else(kind: str) -> None:
    n, compared = scored(kind)
    n.loss = LOSSES[kind][1](*compared)
    device = emulated_gpu.emulated_device()
    solver = Solver(n, device=device, seed=1, base_lr=0.001, display=0)
    solver.step(3)
    assert "an iteration is captured" in repr(solver.net.plan)
    drawn = solver.net.blobs["x"].count * FLOAT  # on the host, by the filler
    moved = Moved(device)
    solver.step(2)
    assert (moved.up, moved.down) == (2 * drawn, 2 * FLOAT)


@pytest.mark.parametrize("kind", ["softmax", "softmax of maps", "softmax of steps", "softmax of rows"])
def test_a_test_brings_its_outputs_to_the_host_and_nothing_else(kind: str) -> None:
    n, (scores, labels) = scored(kind)
    options = dict(axis=2) if kind == "softmax of rows" else {}
    n.accuracy = L.Accuracy(scores, labels, accuracy_param=options)
    n.loss = LOSSES[kind][1](scores, labels)
    device = emulated_gpu.emulated_device()
    net = Net(n, phase="test", device=device, seed=1)
    for _ in range(3):
        net.forward()
    assert "forward is captured" in repr(net.plan)
    drawn = net.blobs["x"].count * FLOAT
    moved = Moved(device)
    outputs = net.forward()
    assert set(outputs) == {"accuracy", "loss"}
    assert (moved.up, moved.down) == (drawn, 2 * FLOAT)
