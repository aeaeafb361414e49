"""Iterations on a GPU, owlkit against PyTorch on the same machine in the same run.

    python benchmarks/gpu_iteration.py [lenet,caffenet,googlenet,vgg16,resnet50] [--only training] [--store]

Training is all of an iteration: forward, losses, backward, update with momentum and weight decay; data lie
on the GPU. Inference is a forward pass with its output fetched. PyTorch runs eager in both layouts, compiled,
and as a CUDA graph; each side in TF32 and in bfloat16. Every side has a process of its own, one after the
other, so that peak memory is its own. The share of the peak is that of a large product of matrices of the
same precision, measured here by PyTorch: multiply-adds of the layers, thrice for training, by time.
Needs torch in the environment, and a GPU: without one, `--device cpu --batch 2` shows that all of it runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpu_sides import NETS, TORCH
from report import store

from owlkit.net import Graph

HERE = Path(__file__).parent
PRECISIONS = ("tf32", "bf16")
#: Ratios to reach in training and in inference: against PyTorch's best way, and against eager.
BEST = 1.0
EAGER = {"lenet": 5.0}
EAGER_OF_OTHERS = 1.2
HOST_SECONDS = 100e-6


def run_side(options: argparse.Namespace, **what: Any) -> dict[str, Any]:
    """The answer of one process."""
    asked = what | {"device": options.device, "rounds": options.rounds, "seconds": options.seconds}
    command = [sys.executable, str(HERE / "gpu_sides.py"), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"refused": done.stderr.strip()[-500:]}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def sides(only: Iterable[str]) -> list[str]:
    """owlkit first, then PyTorch's ways."""
    chosen = ["owlkit", *(f"torch {way}" for way in TORCH)]
    return [side for side in chosen if not only or any(word in side for word in only)]


def multiply_adds(net: str, batch: int, training: bool) -> int:
    """Of one iteration: a training's backward pass has two products for each of the forward pass."""
    make = NETS[net][0]
    graph = Graph(
        make(form="train" if training else "deploy", batch_size=batch), phase="train" if training else "test"
    )
    return int(graph.macs) * (3 if training else 1)


def summarise(found: dict[str, dict[str, Any]], work: int, peak: float | None) -> dict[str, Any]:
    """Medians, ratios to PyTorch's best and eager ways, share of the peak (multiply-adds a second)."""
    medians = {side: statistics.median(one["seconds"]) for side, one in found.items() if "seconds" in one}
    ours = medians.get("owlkit")
    theirs = {side: seconds for side, seconds in medians.items() if side != "owlkit"}
    eager = [seconds for side, seconds in theirs.items() if side in ("torch eager", "torch channels_last")]
    told: dict[str, Any] = {"medians_ms": {side: 1e3 * s for side, s in medians.items()}}
    if ours is None or not theirs:
        return told
    best = min(theirs, key=theirs.__getitem__)
    told |= {"best": best, "ratio_to_best": theirs[best] / ours}
    if eager:
        told["ratio_to_eager"] = min(eager) / ours
    if peak:
        told["share_of_peak"] = {side: work / seconds / peak for side, seconds in medians.items()}
    return told


def verdict(net: str, summary: dict[str, Any], found: dict[str, dict[str, Any]]) -> list[str]:
    """What was to be reached and was not."""
    missed = []
    for kind, least in (("best", BEST), ("eager", EAGER.get(net, EAGER_OF_OTHERS))):
        ratio = summary.get(f"ratio_to_{kind}")
        if ratio is None or ratio < least:
            missed.append(f"{kind} {'not measured' if ratio is None else f'{ratio:.2f} < {least}'}")
    ours, best = found.get("owlkit", {}), found.get(summary.get("best", ""), {})
    if ours.get("host_seconds", 1.0) > HOST_SECONDS:
        missed.append(f"host {1e6 * ours.get('host_seconds', float('nan')):.0f} µs")
    if ours.get("peak_bytes", 0) > best.get("peak_bytes", float("inf")):
        missed.append(f"peak memory {ours['peak_bytes'] / best['peak_bytes']:.2f} times the best's")
    return missed


def matmul_peak(precision: str, size: int = 8192) -> float:
    """Multiply-adds a second of a large product on the GPU, the best of twenty."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = True
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(20):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        a @ b
        end.record()
        end.synchronize()
        best = min(best, start.elapsed_time(end) / 1e3)
    return float(size**3 / best)


def compare(net: str, training: bool, precision: str, peak: float | None, options: Any) -> dict[str, Any]:
    """All sides of one net; prints its lines."""
    batch = options.batch or NETS[net][1]
    what = dict(net=net, batch=batch, training=training, precision=precision)
    found = {side: run_side(options, side=side, **what) for side in sides(options.side)}
    summary = summarise(found, multiply_adds(net, batch, training), peak)
    print(f"{net} b{batch} {'training' if training else 'inference'} {precision}")
    for side, one in found.items():
        print(f"  {side:28s} {line(one)}", flush=True)
    missed = verdict(net, summary, found)
    print("  reached" if not missed else f"  NOT reached: {'; '.join(missed)}", flush=True)
    return {**what, "sides": found, **summary, "missed": missed}


def line(one: dict[str, Any]) -> str:
    """A side's numbers in words."""
    if "refused" in one:
        return f"refused: {one['refused'].splitlines()[-1][:120]}"
    median = 1e3 * statistics.median(one["seconds"])
    host, peak = 1e6 * one["host_seconds"], one["peak_bytes"] / 1e9
    return f"{median:9.3f} ms   host {host:7.0f} µs   peak {peak:6.2f} GB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="?", default=",".join(NETS), help="comma-separated")
    parser.add_argument("--only", choices=("training", "inference"))
    parser.add_argument("--precision", choices=PRECISIONS)
    parser.add_argument("--side", action="append", default=[], help="words of the sides to run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--batch", type=int, help="in place of each net's own")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/gpu_iteration.json")
    options = parser.parse_args()
    kinds = [kind for kind in ("training", "inference") if options.only in (None, kind)]
    precisions = [options.precision] if options.precision else list(PRECISIONS)
    on_gpu = options.device == "cuda"
    peaks = {precision: matmul_peak(precision) if on_gpu else None for precision in precisions}
    results = [
        compare(net, kind == "training", precision, peaks[precision], options)
        for net in options.nets.split(",")
        for kind in kinds
        for precision in precisions
    ]
    if options.store:
        from owlkit.core import machine

        gpus = [gpu.name for gpu in machine.gpus().found]
        print("stored", store("gpu_iteration", {"gpus": gpus, "peaks": peaks, "results": results}))


if __name__ == "__main__":
    main()
