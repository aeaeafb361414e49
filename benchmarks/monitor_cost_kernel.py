"""The kernel's half of monitor_cost.py: imported into a Jupyter kernel, where a monitor really sends."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

import owlkit
from owlkit import L, zoo
from owlkit.core import events
from owlkit.training import History, Run
from owlkit_widgets.machine import memory_used
from owlkit_widgets.monitor import Monitor
from owlkit_widgets.recorder import Recorder

LAYERS = 20  # with weights, in the LeNet that is measured
PAST = 100_000  # iterations already in the history
GUARD = 0.64  # seconds between blocks: a monitor that comes sends its first update, one that goes its last


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


class Clock:
    """Seconds, without those during which it was stopped."""

    def __init__(self) -> None:
        self._stopped: float | None = None
        self._lost = 0.0

    def __call__(self) -> float:
        return (time.perf_counter() if self._stopped is None else self._stopped) - self._lost

    def run(self, on: bool) -> None:
        if on and self._stopped is not None:
            self._lost += time.perf_counter() - self._stopped
            self._stopped = None
        elif not on and self._stopped is None:
            self._stopped = time.perf_counter()


class Training:
    """A run with a past, that is trained on and on while a monitor listens in some blocks and not in others.

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
        self.run = Run(solver, name)
        solver.iter = PAST
        for i in range(1, PAST + 1):
            self.run.history.record(events.IterationDone(i, 1.0 + 1 / i, 1.0, 1e-3, 1e-3, 0.0, shape[0]))
        self.weighted = sum(1 for blobs in solver.net.params.values() if blobs)
        self.run.step(12)
        pace = float(self.run.history.seconds[-10:].min())
        self.iterations, self.guard = max(5, round(seconds / pace)), max(1, round(GUARD / pace))
        self.monitor = Monitor(self.run)
        self._front = self.monitor.overlay.front
        self._attached = True
        # The time to the next sample passes in blocks with a monitor only: else they would have more samples.
        self._clock = self.monitor.panels.sampler._clock = Clock()
        self._attach(False)
        self._looked = (self._clock(), self.monitor.panels.cost_seconds)

    def alternate(self, order: list[bool], monitored: bool = True) -> list[dict[str, Any]]:
        """Train a block per entry of `order`, with the monitor where it is True; what each block took.

        The iterations between two blocks, in which the monitor comes or goes, are not counted. With
        `monitored` False it never comes: what is measured then is the measurement.
        """
        blocks: list[dict[str, Any]] = []
        length = self.guard + self.iterations
        begun: list[dict[str, Any]] = []
        done = 0

        def listen(event: Any) -> None:
            nonlocal done
            if not isinstance(event, events.IterationDone):
                return
            place = done % length
            if place == 0:
                if begun:
                    blocks.append(_since(begun.pop(), self._now()))
                if done // length < len(order):
                    self._attach(monitored and order[done // length])
            elif place == self.guard:
                begun.append(self._now())
            done += 1

        remove = self.run.solver.add_listener(listen)
        self.run.step(length * len(order) + 1)
        remove()
        self._attach(False)
        return blocks

    def sample_share(self) -> float:
        """Share of the time that samples take in the training thread: of that up to when the next is due."""
        start, cost = self._looked
        sampler = self.monitor.panels.sampler
        return (sampler.cost_seconds - cost) / (sampler._due - start)

    def close(self) -> None:
        self.monitor.close()

    def _attach(self, on: bool) -> None:
        """Let the monitor listen, or take away its ears: what it has heard is still sent."""
        if on == self._attached:
            return
        self._attached, front, panels = on, self._front, self.monitor.panels
        self._clock.run(on)
        self.monitor._publisher._quiet = self.monitor._heartbeat if on else lambda: False
        if on:
            front.listen()
            panels._unlisten = self.run.solver.add_listener(panels.sampler, panels.sampler.at_rest)
        else:
            front._unsubscribe()
            panels._unlisten()

    def _now(self) -> dict[str, Any]:
        """Seconds up to now: of the clock without those of samples, these, by the monitor's own account, of
        processor time per thread, and of processor time that other processes took."""
        samples = self.monitor.panels.cost_seconds
        return {
            "seconds": time.perf_counter() - samples,
            "samples": samples,
            "own": _spent(self.monitor),
            "threads": _processor_seconds(),
            "elsewhere": _busy_seconds() - time.process_time(),
        }


def _since(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    threads = {name: t - before["threads"].get(name, 0.0) for name, t in now["threads"].items()}
    scalars = ("seconds", "samples", "own", "elsewhere")
    return {key: now[key] - before[key] for key in scalars} | {"threads": threads}


def _processor_seconds() -> dict[str, float]:
    """Processor time by the name of the Python thread; other threads, oneDNN's for one, are "others"."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        name = names.get(int(task.name), "others")
        found[name] = found.get(name, 0.0) + int((task / "schedstat").read_text().split()[0]) / 1e9
    return found


def _busy_seconds() -> float:
    """Processor time that all cores were not idle, or stolen by the host, since the machine started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, fields)
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")


def _spent(monitor: Any) -> float:
    return monitor.recorder.cost_seconds + monitor._publisher.cpu_seconds


class _Run:
    name, iter, max_iter, state, lr = "day", 0, 10**7, "running", 0.01


def long_run(points: int, first: int) -> dict[str, float]:
    """What a run's history and the monitor's record of it hold, after `first` points and after `points`."""
    recorder, history = Recorder(_Run()), History()
    empty = memory_used() or 0
    start, held = time.perf_counter(), {}
    for i in range(1, points + 1):
        event = events.IterationDone(i, 0.5 + (i % 97) / 100, 0.5, 0.01, 0.01, 0.0, 64)
        history.record(event)
        recorder(event)
        if i % 500 == 0:
            recorder.take()
        if i in (first, points):
            held[i] = (memory_used() or 0) - empty
    seconds = time.perf_counter() - start
    return {
        "points": points,
        "held_bytes": held[first],
        "grown_bytes": held[points] - held[first],
        "us_per_point": 1e6 * seconds / points,
    }
