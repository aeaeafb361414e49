"""Iterations on a GPU, owlkit against PyTorch on the same machine in the same run.

    python benchmarks/gpu_iteration.py [lenet,caffenet,googlenet,vgg16,resnet50] [--only training] [--store]

Training is all of an iteration: forward, losses, backward, update with momentum and weight decay; data lie
on the GPU. Inference is a forward pass with its output fetched. PyTorch runs eager in both layouts, compiled,
and as a CUDA graph; each side in TF32 and in bfloat16 (PyTorch by autocast, owlkit by `dtype="bfloat16"`),
and each times what cuDNN offers. Every side has a process of its own, one after the other.

Memory is, on both sides, the most that was in use at one time from the second iteration on, as the side's
own allocator gave it out (PyTorch's, CuPy's); what the GPU has given away in all is stored beside it. The
share of the peak is that of a large product of matrices of the same precision, measured by PyTorch:
multiply-adds of the layers, thrice for training, by time. The host's time is what it takes to queue an
iteration, without waiting: owlkit looks at losses, one iteration late, and PyTorch at none.
Needs torch in the environment, and a GPU: without one, `--device cpu --batch 2` shows that all of it runs.
`--store` writes after each comparison, so that nets can be run one by one; rows of another GPU or of other
versions are dropped then.
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

import report
from gpu_sides import NETS

from owlkit.net import Graph

HERE = Path(__file__).parent
PRECISIONS = ("tf32", "bf16")
#: Words for `gpu_torch.torch_side`.
WAYS = (
    "eager", "eager channels_last", "compile", "compile channels_last",
    "compile reduce-overhead channels_last", "graph channels_last",
)  # fmt: skip
#: Ratios to reach in training and in inference: against PyTorch's best way, and against eager.
BEST = 1.0
EAGER = {"lenet": 5.0}
EAGER_OF_OTHERS = 1.2
HOST_SECONDS = 100e-6

Found = dict[str, dict[str, Any]]


def run_side(options: argparse.Namespace, **what: Any) -> dict[str, Any]:
    """The answer of one process."""
    asked = what | {"device": options.device, "rounds": options.rounds, "seconds": options.seconds}
    command = [sys.executable, str(HERE / "gpu_sides.py"), json.dumps(asked)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return {"refused": f"took more than {options.limit:g} s"}
    if done.returncode:
        return {"refused": done.stderr.strip()[-500:] or f"ended with status {done.returncode}"}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def sides(only: Iterable[str]) -> list[str]:
    """owlkit first, then PyTorch's ways."""
    chosen = ["owlkit", *(f"torch {way}" for way in WAYS)]
    return [side for side in chosen if not only or any(word in side for word in only)]


def multiply_adds(net: str, batch: int, training: bool) -> int:
    """Of one iteration: a training's backward pass has two products for each of the forward pass."""
    make = NETS[net][0]
    form, phase = ("train", "train") if training else ("deploy", "test")
    graph = Graph(make(form=form, batch_size=batch), phase=phase)
    return int(graph.macs) * (3 if training else 1)


def summarise(found: Found, work: int, rate: float | None) -> dict[str, Any]:
    """Medians, ratios to PyTorch's best and eager ways, shares of the peak.

    work : multiply-adds of an iteration. rate : the most in a second, None where it was not measured.
    """
    medians = {side: statistics.median(one["seconds"]) for side, one in found.items() if "seconds" in one}
    told: dict[str, Any] = {
        "medians_ms": {side: 1e3 * seconds for side, seconds in medians.items()},
        "refused": [side for side, one in found.items() if "refused" in one],
    }
    if rate:
        told["share_of_peak"] = {side: work / seconds / rate for side, seconds in medians.items()}
    ours = medians.pop("owlkit", None)
    if ours is None or not medians:
        return told
    best = min(medians, key=medians.__getitem__)
    told |= {"best": best, "ratio_to_best": medians[best] / ours}
    eager = [seconds for side, seconds in medians.items() if side.startswith("torch eager")]
    if eager:
        told["ratio_to_eager"] = min(eager) / ours
    return told


def verdict(net: str, summary: dict[str, Any], found: Found) -> list[str]:
    """What was to be reached and was not, or was not measured."""
    missed = []
    for kind, least in (("best", BEST), ("eager", EAGER.get(net, EAGER_OF_OTHERS))):
        ratio = summary.get(f"ratio_to_{kind}")
        if ratio is None:
            missed.append(f"{kind}: not measured")
        elif ratio < least:
            missed.append(f"{kind}: {ratio:.2f} < {least}")
    lacking = [f"torch {way}" for way in WAYS if "seconds" not in found.get(f"torch {way}", {})]
    if lacking:
        missed.append(f"the best of all: not measured {', '.join(lacking)}")
    ours, best = found.get("owlkit", {}), found.get(summary.get("best", ""), {})
    if "host_seconds" in ours and ours["host_seconds"] > HOST_SECONDS:
        missed.append(f"host: {1e6 * ours['host_seconds']:.0f} µs > {1e6 * HOST_SECONDS:.0f}")
    if ours.get("peak_bytes", 0) > best.get("peak_bytes", float("inf")):
        most, theirs = ours["peak_bytes"] / 1e9, best["peak_bytes"] / 1e9
        missed.append(f"memory: {most:.2f} > {theirs:.2f} GB of the best")
    return missed


def compare(net: str, training: bool, precision: str, rate: float | None, options: Any) -> dict[str, Any]:
    """All sides of one net; prints its lines."""
    batch = options.batch or NETS[net][1]
    what = dict(net=net, batch=batch, training=training, precision=precision)
    print(f"{net} b{batch} {'training' if training else 'inference'} {precision}", flush=True)
    found: Found = {}
    work = multiply_adds(net, batch, training)
    for side in sides(options.side):
        found[side] = run_side(options, side=side, **what)
        print(f"  {side:45s} {line(found[side], work, rate)}", flush=True)
    summary = summarise(found, work, rate)
    missed = verdict(net, summary, found)
    print("  reached" if not missed else f"  NOT reached: {'; '.join(missed)}", flush=True)
    return {**what, "sides": found, **summary, "missed": missed}


def line(one: dict[str, Any], work: int, rate: float | None) -> str:
    """A side's numbers in words."""
    if "refused" in one:
        return f"refused: {(one['refused'].splitlines() or ['?'])[-1][:120]}"
    median = statistics.median(one["seconds"])
    share = f"   {work / median / rate:4.0%} of peak" if rate else ""
    host, peak = 1e6 * one["host_seconds"], one["peak_bytes"] / 1e9
    return f"{1e3 * median:9.3f} ms   host {host:7.0f} µs   {peak:6.2f} GB{share}"


def product_rates(options: argparse.Namespace, precisions: Iterable[str]) -> dict[str, float | None]:
    """Multiply-adds a second of a large product, by precision; None on a CPU, or where it fails (printed)."""
    rates: dict[str, float | None] = {}
    for precision in precisions:
        told = run_side(options, side="product", precision=precision) if options.device == "cuda" else {}
        rates[precision] = told.get("multiply_adds")
        if "refused" in told:
            print(f"no share of the peak in {precision}: {told['refused']}", flush=True)
    return rates


def keep(rates: dict[str, float | None], result: dict[str, Any], gpus: list[str]) -> Path:
    """Store a result beside those of other nets, kinds and precisions that the same machine has stored."""
    path = report.RESULTS / "gpu_iteration.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    versions = report.machine()["versions"]
    if (old.get("gpus"), old.get("machine", {}).get("versions")) != (gpus, versions):
        old = {}
    key = ("net", "batch", "training", "precision")
    same = [result[name] for name in key]
    rows = [row for row in old.get("results", []) if [row[name] for name in key] != same]
    content = {"gpus": gpus, "rates": old.get("rates", {}) | rates, "results": [*rows, result]}
    return report.store("gpu_iteration", content)


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="?", default=",".join(NETS), help="comma-separated")
    parser.add_argument("--only", choices=("training", "inference"))
    parser.add_argument("--precision", choices=PRECISIONS)
    parser.add_argument("--side", action="append", default=[], help="words of the sides to run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a side may take in all")
    parser.add_argument("--batch", type=int, help="in place of each net's own")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/gpu_iteration.json")
    return parser.parse_args(words)


def main(options: argparse.Namespace) -> None:
    from owlkit.core import machine

    gpus = [gpu.name for gpu in machine.gpus().found]
    kinds = [kind for kind in ("training", "inference") if options.only in (None, kind)]
    precisions = [options.precision] if options.precision else list(PRECISIONS)
    rates = product_rates(options, precisions)
    for net in options.nets.split(","):
        for kind in kinds:
            for precision in precisions:
                result = compare(net, kind == "training", precision, rates[precision], options)
                if options.store:
                    print("stored", keep(rates, result, gpus))


if __name__ == "__main__":
    main(parsed())
