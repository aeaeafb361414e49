"""Whole training iterations, owlkit against PyTorch on the CPU, in one process.

    python benchmarks/training_iteration.py [lenet,caffenet,googlenet,resnet50] [--rounds 7]

An iteration is all of it: data in memory, forward, losses, backward, update with momentum and weight decay.
On owlkit's side it is `Solver.step(1)` with visible blobs and events. PyTorch runs in both layouts with both
of its fast SGDs; the ratio is against its best. Rounds alternate, so that a drifting machine hurts both sides
alike; in a round each side runs a few iterations in a row, as training does, and the first, which finds the
caches full of the other side's data, is not counted. Needs torch in the environment; two threads a side.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
from report import quiet_blas, store, summary

quiet_blas()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch_nets import make_step  # noqa: E402

import owlkit  # noqa: E402
from owlkit import zoo  # noqa: E402

# name -> (maker of the training net, input shape, classes, counted iterations in a row, ratio to reach)
NETS: dict[str, tuple[Callable[..., Any], tuple[int, ...], int, int, float]] = {
    "lenet": (zoo.lenet, (64, 1, 28, 28), 10, 20, 1.25),
    "caffenet": (zoo.caffenet, (32, 3, 227, 227), 1000, 2, 1.7),
    "googlenet": (zoo.googlenet, (16, 3, 224, 224), 1000, 2, 2.0),
    "resnet50": (partial(zoo.resnet, 50), (8, 3, 224, 224), 1000, 2, 1.15),
}


def owlkit_step(name: str) -> Callable[[], Any]:
    """Solver.step(1) on random data in memory."""
    make, shape, classes, _, _ = NETS[name]
    solver = owlkit.Solver(
        make(form="train", batch_size=shape[0]),
        base_lr=1e-3,
        momentum=0.9,
        weight_decay=5e-4,
        lr_policy="fixed",
        max_iter=10**6,
        seed=1,
    )
    rng = np.random.default_rng(0)
    solver.net.blobs["data"].data[...] = rng.standard_normal(shape, dtype=np.float32)
    solver.net.blobs["label"].data[...] = rng.integers(0, classes, shape[0])
    return lambda: solver.step(1)


def torch_steps(name: str) -> dict[str, Callable[[], Any]]:
    """Every combination of layout and optimiser."""
    _, shape, classes, _, _ = NETS[name]
    steps = {}
    for channels_last, fused in itertools.product((False, True), repeat=2):
        label = f"torch {'channels_last' if channels_last else 'nchw'} {'fused' if fused else 'foreach'}"
        steps[label] = make_step(name, shape, classes, channels_last=channels_last, fused=fused)
    return steps


def measure(steps: dict[str, Callable[[], Any]], rounds: int, in_a_row: int) -> dict[str, list[float]]:
    """Seconds of each counted step, the order turned round in every other round."""
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {label: [] for label in steps}
    for number in range(rounds):
        order = list(steps) if number % 2 == 0 else list(steps)[::-1]
        for label in order:
            steps[label]()
            for _ in range(in_a_row):
                start = time.perf_counter()
                steps[label]()
                seconds[label].append(time.perf_counter() - start)
    return seconds


def compare(name: str, rounds: int) -> dict[str, Any]:
    """Measure one net and print its line."""
    *_, in_a_row, target = NETS[name]
    seconds = measure({"owlkit": owlkit_step(name)} | torch_steps(name), rounds, in_a_row)
    medians = {label: statistics.median(values) for label, values in seconds.items()}
    best = min((m, label) for label, m in medians.items() if label != "owlkit")
    ratio = best[0] / medians["owlkit"]
    verdict = "reached" if ratio >= target else "NOT reached"
    ours = 1e3 * medians["owlkit"]
    print(
        f"{name:10s} owlkit {ours:7.1f} ms   {best[1]} {1e3 * best[0]:7.1f} ms   ratio {ratio:.2f}   "
        f"target {target} {verdict}",
        flush=True,
    )
    raw = {label: [round(1e3 * s, 3) for s in values] for label, values in seconds.items()}
    summaries = {label: summary(values) for label, values in seconds.items()}
    return {"ratio": ratio, "against": best[1], "target": target, "summary": summaries, "raw_ms": raw}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="?", default=",".join(NETS), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--store", action="store_true", help="write benchmarks/results/training_iteration.json"
    )
    args = parser.parse_args()
    torch.set_num_threads(2)
    results = {name: compare(name, args.rounds) for name in args.nets.split(",")}
    if args.store:
        print("stored", store("training_iteration", {"threads": 2, "nets": results}))


if __name__ == "__main__":
    main()
