"""The host's own time for an iteration that a GPU replays: what Python does around the calls to the GPU.

    python benchmarks/host_time.py [--store]

LeNet, batch 64, with a stand-in for the GPU whose calls do nothing: processor time of the training's thread
(not the main one, as in a notebook), per iteration, medians of rounds. Images lie on the GPU, or are the
embedded digits, which another thread reads: both share the interpreter, so there the clock says more. The
time of CUDA's calls comes on top: gpu_iteration.py measures both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from report import store

sys.path.insert(0, str(Path(__file__).parent.parent))

import owlkit
from owlkit import zoo
from owlkit.core.gpu.gpu import Gpu
from owlkit.training import Run
from tests.support.emulated_gpu import emulated_device
from tests.support.emulated_gpu.driver import EmulatedDriver, EmulatedReplay, EmulatedWay
from tests.support.emulated_gpu.pointers import EmulatedGpu

ROUNDS, ITERATIONS, WARM = 15, 400, 10


def make_solver(digits: bool) -> Any:
    """A solver whose graphs are made. digits : whether a data layer reads them."""
    source = {"train_source": owlkit.datasets.digits("train")} if digits else {}
    net = zoo.lenet(form="train", **source)
    fields = {"base_lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4, "snapshot_after_train": False}
    made = owlkit.Solver(net, device=emulated_device(), seed=1, display=0, **fields)
    if not digits:
        made.net.blobs["data"].data[...] = np.random.default_rng(0).standard_normal((64, 1, 28, 28))
    made.step(WARM)
    assert "an iteration is captured" in repr(made.net.plan), made.net.plan
    return made


def do_nothing() -> None:
    """Let all that is queued have no effect, and take no time for what the stand-in checks; losses are 1."""
    EmulatedReplay.launch = lambda replay: None  # type: ignore[method-assign]
    EmulatedDriver.run = lambda *args, **options: None  # type: ignore[method-assign]
    EmulatedWay.send = EmulatedWay.receive = lambda *args: None  # type: ignore[method-assign]
    EmulatedGpu.pointer = Gpu.pointer  # type: ignore[method-assign]
    loss = np.ones(1, np.float32).view(np.uint8)
    reading = SimpleNamespace(wait=lambda: loss)
    EmulatedDriver.read_later = lambda *args: reading  # type: ignore[method-assign]


def per_iteration(work: Callable[[int], Any]) -> dict[str, list[float]]:
    """Seconds of the thread that works, round by round: on a processor, and by the clock."""
    clocks = {"processor": time.thread_time, "clock": time.perf_counter}
    rounds: dict[str, list[float]] = {name: [] for name in clocks}

    def measure() -> None:
        for _ in range(ROUNDS):
            starts = {name: clock() for name, clock in clocks.items()}
            work(ITERATIONS)
            for name, clock in clocks.items():
                rounds[name].append((clock() - starts[name]) / ITERATIONS)

    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
    return rounds


def in_a_run(solver: Any) -> Callable[[int], None]:
    """Iterations of a Run in this thread, with a history as in a notebook."""

    def work(count: int) -> None:
        solver.param.max_iter = solver.iter + count
        Run(solver, "host").run()

    return work


def looked_at(solver: Any) -> Callable[[int], None]:
    """Iterations behind each of which a listener looks at the net."""

    def work(count: int) -> None:
        remove = solver.add_listener(lambda event: None)
        solver.step(count)
        remove()

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/host_time.json")
    args = parser.parse_args()
    plain, reading = make_solver(digits=False), make_solver(digits=True)
    do_nothing()
    ways = {
        "step(n)": plain.step,
        "step(n), looked at": looked_at(plain),
        "a Run": in_a_run(plain),
        "a Run on digits": in_a_run(reading),
    }
    found = {name: per_iteration(work) for name, work in ways.items()}
    for name, kinds in found.items():
        rounds, clock = kinds["processor"], statistics.median(kinds["clock"])
        print(
            f"{name:20} {1e6 * statistics.median(rounds):6.1f} µs an iteration "
            f"({1e6 * min(rounds):.1f} to {1e6 * max(rounds):.1f}), {1e6 * clock:.1f} by the clock"
        )
    if args.store:
        print(store("host_time", {"iterations": ITERATIONS, "seconds_per_iteration": found}))


if __name__ == "__main__":
    main()
