"""Iterations on a GPU, owlkit against PyTorch on the same machine in the same run.

    python benchmarks/gpu_iteration.py [lenet,caffenet,googlenet,vgg16,resnet50] [--only training] [--store]
    python benchmarks/gpu_iteration.py --quick             # whether every side runs; no numbers to publish
    python benchmarks/gpu_iteration.py --store --time 540  # as often as it says that something is left

Where the time does not suffice, all nets have what tells most: first owlkit and PyTorch's two quick ways of
everything, trainings before inference, and torch.compile, which takes a minute to begin, last.

Training is all of an iteration: forward, losses, backward, update with momentum and weight decay; data lie
on the GPU. Inference is a forward pass with its output fetched. PyTorch runs eager in both layouts, compiled,
and as a CUDA graph; each side in TF32 and in bfloat16 (PyTorch trains by autocast and infers with all of the
model in bfloat16; owlkit has `dtype="bfloat16"`), and each times what cuDNN offers. Every side has a process
of its own, one after the other.

Memory is, on both sides, the most that was in use at one time from the second iteration on, as the side's
own allocator gave it out (PyTorch's, CuPy's); what the GPU has given away in all is stored beside it. The
share of the peak is that of a large product of matrices of the same precision, measured by PyTorch:
multiply-adds of the layers, thrice for training, by time. The host's time is what it takes to queue an
iteration, without waiting: owlkit looks at losses, one iteration late, and PyTorch at none.
Needs torch in the environment, and a GPU: without one, `--device cpu --batch 2` shows that all of it runs.
`--store` writes after each side, so that a comparison can be made in parts: what is stored of the same GPU
and the same versions is not measured again, and says when it was; `--again owlkit` does so with one side.
Rows of another GPU or of other versions are dropped.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpu_sides import NETS
from gpu_store import Found, Store

from owlkit.net import Graph

HERE = Path(__file__).parent
PRECISIONS = ("tf32", "bf16")
#: Words for `gpu_torch.torch_side`.
WAYS = (
    "eager channels_last", "graph channels_last", "eager", "compile reduce-overhead channels_last",
    "compile channels_last", "compile",
)  # fmt: skip
#: Sides that are measured of everything before the next ones of anything: the quick ones, and those that are
#: often the best, first.
STAGES = (("owlkit", *WAYS[:2]), WAYS[2:3], WAYS[3:4], WAYS[4:])
#: Ratios to reach in training and in inference: against PyTorch's best way, and against eager.
BEST = 1.0
EAGER = {"lenet": 5.0}
EAGER_OF_OTHERS = 1.2
HOST_SECONDS = 100e-6


def run_side(options: argparse.Namespace, **what: Any) -> dict[str, Any]:
    """The answer of one process."""
    asked = what | {"device": options.device, "rounds": options.rounds, "seconds": options.seconds}
    command = [sys.executable, str(HERE / "gpu_sides.py"), json.dumps(asked)]
    limit = min(options.limit, options.until - time.monotonic())
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=max(limit, 1))
    except subprocess.TimeoutExpired:
        return {"refused": f"took more than {limit:.0f} s"} | ({"cut": True} if limit < options.limit else {})
    if done.returncode:
        return {"refused": done.stderr.strip()[-500:] or f"ended with status {done.returncode}"}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "refused" not in answer:
        answer["measured"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return answer


def sides(stage: Iterable[str], only: Iterable[str]) -> list[str]:
    """Of a stage, those that contain one of the words; all where there are none."""
    named = [side if side == "owlkit" else f"torch {side}" for side in stage]
    return [side for side in named if not only or any(word in side for word in only)]


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


class Comparison:
    """All sides of one net in one precision. store : what remembers them, or None."""

    def __init__(
        self, net: str, training: bool, precision: str, rate: float | None, options: Any, store: Store | None
    ) -> None:
        self.batch = options.batch or NETS[net][1]
        self.what = dict(net=net, batch=self.batch, training=training, precision=precision)
        self._rate, self._options, self._store = rate, options, store
        self._work = multiply_adds(net, self.batch, training)
        self.found: Found = store.sides(self.what) if store else {}

    @property
    def name(self) -> str:
        kind = "training" if self.what["training"] else "inference"
        return f"{self.what['net']} b{self.batch} {kind} {self.what['precision']}"

    def run(self, stage: Iterable[str]) -> bool:
        """Measure the sides that are missing, printing their lines; False where the time is over."""
        chosen = sides(stage, self._options.side)
        if chosen:
            print(self.name, flush=True)
        for side in chosen:
            known = self.found.get(side, {}).get("measured", "")
            if not known and not self._measure(side):
                return False
            told = line(self.found[side], self._work, self._rate)
            print(f"  {side:45s} {told}{f'   ({known})' if known else ''}", flush=True)
        return True

    def conclude(self) -> None:
        """Print what was reached, and what was not or is not known."""
        missed = self.result()["missed"]
        print(f"{self.name}: " + ("reached" if not missed else f"NOT reached: {'; '.join(missed)}"))

    def _measure(self, side: str) -> bool:
        """False where the time is over."""
        if time.monotonic() > self._options.until:
            return False
        one = run_side(self._options, side=side, **self.what)
        if one.get("cut"):
            return False
        self.found[side] = one
        if self._store:
            self._store.keep(self.result())
        return True

    def result(self) -> dict[str, Any]:
        """What is stored of it."""
        summary = summarise(self.found, self._work, self._rate)
        missed = verdict(str(self.what["net"]), summary, self.found)
        return {**self.what, "sides": self.found, **summary, "missed": missed}


def line(one: dict[str, Any], work: int, rate: float | None) -> str:
    """A side's numbers in words."""
    if "refused" in one:
        return f"refused: {(one['refused'].splitlines() or ['?'])[-1][:120]}"
    median = statistics.median(one["seconds"])
    share = f"   {work / median / rate:4.0%} of peak" if rate else ""
    host, peak = 1e6 * one["host_seconds"], one["peak_bytes"] / 1e9
    return f"{1e3 * median:9.3f} ms   host {host:7.0f} µs   {peak:6.2f} GB{share}"


def product_rates(
    options: argparse.Namespace, precisions: Iterable[str], store: Store | None = None
) -> dict[str, float | None]:
    """Multiply-adds a second of a large product, by precision; None on a CPU, or where it fails (printed)."""
    rates: dict[str, float | None] = {}
    for precision in precisions:
        rates[precision] = store.rates.get(precision) if store else None
        if rates[precision] is not None:
            continue
        told = run_side(options, side="product", precision=precision) if options.device == "cuda" else {}
        rates[precision] = told.get("multiply_adds")
        if "refused" in told:
            print(f"no share of the peak in {precision}: {told['refused']}", flush=True)
    return rates


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="?", default=",".join(NETS), help="comma-separated")
    parser.add_argument("--only", choices=("training", "inference"))
    parser.add_argument("--precision", choices=PRECISIONS)
    parser.add_argument("--side", action="append", default=[], help="words of the sides to run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a round")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds that a side may take in all")
    parser.add_argument("--batch", type=int, help="in place of each net's own")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/gpu_iteration.json")
    parser.add_argument("--again", action="append", default=[], help="words of stored sides to measure anew")
    parser.add_argument("--time", type=float, help="seconds for all of it; what is left then, is said")
    parser.add_argument("--quick", action="store_true", help="two rounds of a fifth of a second")
    options = parser.parse_args(words)
    if options.quick:
        options.rounds, options.seconds = 2, 0.2
    options.until = time.monotonic() + (options.time or float("inf"))
    return options


def main(options: argparse.Namespace) -> None:
    from owlkit.core import machine

    gpus = [gpu.name for gpu in machine.gpus().found]
    kinds = [kind for kind in ("training", "inference") if options.only in (None, kind)]
    precisions = [options.precision] if options.precision else list(PRECISIONS)
    store = Store(gpus, options.again) if options.store else None
    rates = product_rates(options, precisions, store)
    if store:
        store.rates |= rates
    wanted = itertools.product(kinds, options.nets.split(","), precisions)
    compared = [Comparison(net, kind == "training", p, rates[p], options, store) for kind, net, p in wanted]
    stopped = next((c for stage in STAGES for c in compared if not c.run(stage)), None)
    for comparison in compared:
        comparison.conclude()
    if stopped is not None:
        print(f"the time is over; the same call again goes on from here, {stopped.name}")
    if store:
        print("stored", store.path)


if __name__ == "__main__":
    main(parsed())
