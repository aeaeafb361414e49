"""The kernel's half of monitor_cost.py: imported into a Jupyter kernel, where a monitor really sends."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import owlkit
from owlkit import L, zoo
from owlkit.core import events
from owlkit_widgets.machine import memory_used
from owlkit_widgets.monitor import Monitor
from owlkit_widgets.recorder import Recorder

LAYERS = 20  # with weights, in the LeNet that is measured
PAST = 100_000  # iterations already in the history


def lenet20() -> Any:
    """LeNet with small layers behind it, so that 20 of its layers have weights, conv1 filters included."""
    net = zoo.lenet(form="train", batch_size=64)
    top = net.ip2
    for number in range(LAYERS - 4):
        top = L.InnerProduct(top, num_output=10, weight_filler={"type": "xavier"})
        setattr(net, f"more{number}", top)
    net.loss = L.SoftmaxWithLoss(top, net.label)
    return net


NETS = {
    "lenet": (lenet20, (64, 1, 28, 28), 10),
    "caffenet": (lambda: zoo.caffenet(form="train", batch_size=16), (16, 3, 227, 227), 1000),
}


class Training:
    """A paused run with a past, that is trained block by block with and without a monitor.

    seconds : about how long a block shall take; the same number of iterations makes each.
    """

    def __init__(self, name: str, seconds: float) -> None:
        make, shape, classes = NETS[name]
        solver = owlkit.Solver(
            make(), base_lr=1e-3, momentum=0.9, weight_decay=5e-4, lr_policy="fixed", max_iter=10**7,
            snapshot_after_train=False, seed=1,
        )  # fmt: skip
        rng = np.random.default_rng(0)
        solver.net.blobs["data"].data[...] = rng.standard_normal(shape, dtype=np.float32)
        solver.net.blobs["label"].data[...] = rng.integers(0, classes, shape[0])
        self.run = owlkit.Run(solver, name)
        solver.iter = PAST
        for i in range(1, PAST + 1):
            self.run.history.record(events.IterationDone(i, 1.0 + 1 / i, 1.0, 1e-3, 1e-3, 0.0, shape[0]))
        self.weighted = sum(1 for blobs in solver.net.params.values() if blobs)
        self.run.step(3)
        before, few = self.run.seconds, 5
        self.run.step(few)
        self.iterations = max(few, round(seconds * few / (self.run.seconds - before)))

    def block(self, monitored: bool) -> dict[str, float]:
        """Train for `iterations`; seconds, and with a monitor its own account of what it cost."""
        monitor = Monitor(self.run) if monitored else None
        before = self.run.seconds
        spent = _spent(monitor)
        self.run.step(self.iterations)
        result = {"seconds": self.run.seconds - before, "own_seconds": _spent(monitor) - spent}
        if monitor is not None:
            monitor.close()
        return result


def _spent(monitor: Any) -> float:
    if monitor is None:
        return 0.0
    return monitor.recorder.cost_seconds + monitor.panels.cost_seconds + monitor._publisher.cpu_seconds


class _Run:
    name, iter, max_iter, state, lr = "day", 0, 10**7, "running", 0.01


def long_run(points: int, first: int) -> dict[str, float]:
    """What the monitor's record of a run holds in memory, after `first` points and after `points`."""
    recorder = Recorder(_Run())
    start, held = time.perf_counter(), {}
    for i in range(1, points + 1):
        recorder.add(i, 0.5 + (i % 97) / 100, 0.01)
        if i % 500 == 0:
            recorder.take()
        if i in (first, points):
            held[i] = memory_used() or 0
    seconds = time.perf_counter() - start
    grown = held[points] - held[first]
    return {"points": points, "grown_bytes": grown, "us_per_point": 1e6 * seconds / points}
