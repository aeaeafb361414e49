"""Layer by layer, forward + backward, owlkit against PyTorch on the CPU, in one process.

    python benchmarks/layers.py [part of a name, ...] [--seconds 2] [--store]

owlkit's side is `net.forward()` and `net.backward()` of a net that is this one layer, its Python included;
PyTorch's is the function and `torch.autograd.grad`, which writes no gradient anywhere it need not. Every
gradient a net would want is computed: to the bottoms (labels, targets and images excepted) and to parameters.
PyTorch runs in both layouts where there are images; the ratio is against its faster one. Before anything is
timed, outputs and gradients of both sides are compared, so that the rows are about the same thing.

Rounds alternate in turned order, so that a drifting machine hurts all sides alike; in a round a side runs
some milliseconds in a row, as training does, after one pass that finds the caches full of the other side's
data and is not counted. Medians over the rounds. Needs torch in the environment; two threads a side.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
from report import quiet_blas, store, summary

quiet_blas()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from layer_rows import CASES  # noqa: E402
from layer_rows.case import Bottom, Case  # noqa: E402
from layer_rows.why import WHY  # noqa: E402

import owlkit  # noqa: E402
from owlkit.proto import caffe_pb2, text  # noqa: E402

STRETCH = 4e-3  # seconds that a side runs in a row
Pass = Callable[[], Any]


def values(bottom: Bottom, rng: np.random.Generator) -> np.ndarray:
    """Content for a bottom, float32."""
    kind, shape = bottom.kind, bottom.shape
    if isinstance(kind, int):
        found = rng.integers(0, kind, shape)
    elif kind in ("uniform", "positive"):
        found = rng.random(shape) + (0.1 if kind == "positive" else 0)
    elif kind == "probabilities":
        found = rng.random(shape) + 0.01
        found /= found.sum(1, keepdims=True)
    elif kind in ("bits", "ones"):
        found = rng.integers(0, 2, shape) if kind == "bits" else np.ones(shape)
    else:
        found = rng.standard_normal(shape)
    return found.astype(np.float32)


def is_loss(case: Case) -> bool:
    return "Loss" in case.layer.split('"')[1]


class Owlkit:
    """A net that is one layer."""

    def __init__(self, case: Case, inputs: list[np.ndarray]) -> None:
        names = [f"x{i}" for i in range(len(inputs))]
        lines = [
            f'layer {{ name: "{n}" type: "Input" top: "{n}" input_param {{ shape {{ '
            + " ".join(f"dim: {d}" for d in x.shape)
            + " } } }"
            for n, x in zip(names, inputs, strict=True)
        ]
        bottoms = " ".join(f'bottom: "{n}"' for n in names)
        tops = " ".join(f'top: "y{i}"' for i in range(case.tops))
        lines.append(f'layer {{ name: "layer" {bottoms} {tops} {case.layer} }}')
        definition = text.parse("\n".join(lines), caffe_pb2.NetParameter)
        self.net = net = owlkit.Net(definition, phase=case.phase, seed=1)
        for name, x in zip(names, inputs, strict=True):
            net.blobs[name].data[...] = x
        self.case = case
        self.tops = [net.blobs[f"y{i}"] for i in range(case.tops)]
        self._want_gradients()
        net.forward()

    def _want_gradients(self) -> None:
        """Run the layer backward as within a net: as if layers before it learned and a loss came after it.

        A gradient that passes unchanged (a sum's) shares memory there too.
        """
        node = self.net.graph.nodes[-1]
        node.backward = self.case.backward
        node.propagate_down = [b.gradient and self.case.backward for b in self.case.bottoms]
        node.layer.propagate_down = node.propagate_down
        node.layer.param_propagate_down = [self.case.backward] * len(node.layer.blobs)
        for index, blob in enumerate(node.bottom):
            if node.layer.passes_gradient(index):
                blob.share_diff(node.top[0])

    def blobs(self) -> list[Any]:
        """The layer's parameters."""
        return list(self.net.params["layer"]) if "layer" in self.net.params else []

    def run(self) -> None:
        self.net.forward()
        if self.case.backward:
            self.net.clear_param_diffs()
            self.net.backward()

    def results(self) -> list[np.ndarray]:
        wanted = [self.net.blobs[f"x{i}"].diff for i, b in enumerate(self.case.bottoms) if b.gradient]
        found = [t.data for t in self.tops]
        return found + (wanted + [b.diff for b in self.blobs()] if self.case.backward else [])


class Torch:
    """The peer, in one layout."""

    def __init__(self, case: Case, inputs: list[np.ndarray], channels_last: bool) -> None:
        torch.manual_seed(1)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        peer = case.peer()
        if isinstance(peer, torch.nn.Module):
            peer = peer.to(memory_format=layout) if channels_last else peer
        self.params = list(peer.parameters()) if isinstance(peer, torch.nn.Module) else []
        self.layout, self.peer, self.case = layout, peer, case
        self.xs = [self._place(torch.from_numpy(x.copy())) for x in inputs]
        for x, bottom in zip(self.xs, case.bottoms, strict=True):
            x.requires_grad_(bottom.gradient and case.backward)
        self.wanted = [x for x in self.xs if x.requires_grad] + self.params
        with torch.set_grad_enabled(case.backward):
            found = self._outputs()
        self.seeds = [self._place(torch.randn(y.shape)) if y.is_floating_point() else None for y in found]

    def _place(self, x: Any) -> Any:
        return x.to(memory_format=self.layout) if x.ndim == 4 else x

    def _outputs(self) -> tuple[Any, ...]:
        found = self.peer(*self.xs)
        return found if isinstance(found, tuple) else (found,)

    def run(self) -> list[Any]:
        if not self.case.backward:
            with torch.no_grad():
                return list(self._outputs())
        found = self._outputs()
        graded = [(y, s) for y, s in zip(found, self.seeds, strict=True) if y.requires_grad]
        if is_loss(self.case):
            return [*found, *torch.autograd.grad(found[0], self.wanted)]
        gradients = torch.autograd.grad([y for y, _ in graded], self.wanted, [s for _, s in graded])
        if self.case.dense:
            gradients = [g.clone(memory_format=self.layout) for g in gradients]
        return [*found, *gradients]


def assert_same(case: Case, ours: Owlkit, theirs: Torch) -> None:
    """Give both sides the same parameters and gradients of the tops, and compare what comes out."""
    for top, seed in zip(ours.tops, theirs.seeds, strict=True):
        if seed is not None and not is_loss(case):
            top.diff[...] = seed.numpy().reshape(top.shape)
    if not case.compared:
        return
    for blob, parameter in zip(ours.blobs(), theirs.params, strict=False):
        blob.data[...] = parameter.detach().numpy().reshape(blob.shape)
    ours.run()
    for number, (found, expected) in enumerate(zip(ours.results(), theirs.run(), strict=False)):
        e = expected.detach().numpy()
        error = np.abs(found.reshape(e.shape) - e).max(initial=0)
        if error > 2e-3 * max(1, np.abs(e).max(initial=0)):
            raise AssertionError(f"{case.name}: result {number} differs from PyTorch's by {error:.3g}")


def measure(sides: dict[str, Pass], budget: float) -> dict[str, list[float]]:
    """Seconds per pass of each round, until `budget` seconds are spent or 40 rounds are made."""
    times = {}
    for label, run in sides.items():
        run()
        start = time.perf_counter()
        run()
        times[label] = max(1, round(STRETCH / (time.perf_counter() - start)))
    seconds: dict[str, list[float]] = {label: [] for label in sides}
    end = time.perf_counter() + budget
    rounds = 0
    while rounds < 5 or (time.perf_counter() < end and rounds < 40):
        for label in list(sides) if rounds % 2 == 0 else list(sides)[::-1]:
            run, count = sides[label], times[label]
            run()
            start = time.perf_counter()
            for _ in range(count):
                run()
            seconds[label].append((time.perf_counter() - start) / count)
        rounds += 1
    return seconds


def compare(case: Case, budget: float) -> dict[str, Any]:
    """Measure one row and print it."""
    rng = np.random.default_rng(0)
    inputs = [values(bottom, rng) for bottom in case.bottoms]
    ours = Owlkit(case, inputs)
    peers = {"contiguous": Torch(case, inputs, channels_last=False)}
    if any(len(b.shape) == 4 for b in case.bottoms):
        peers["channels_last"] = Torch(case, inputs, channels_last=True)
    assert_same(case, ours, peers["contiguous"])
    seconds = measure({"owlkit": ours.run} | {k: p.run for k, p in peers.items()}, budget)
    medians = {label: statistics.median(found) for label, found in seconds.items()}
    best = min(peers, key=lambda label: medians[label])
    ratio = medians[best] / medians["owlkit"]
    why = WHY.get(case.name, "") if ratio < 1 else ""
    shape = "x".join(map(str, case.bottoms[0].shape))
    print(
        f"{case.name:38s} {shape:18s} {1e3 * medians['owlkit']:9.3f} {1e3 * medians[best]:9.3f} "
        f"{best:13s} {ratio:6.2f}  {why}",
        flush=True,
    )
    kernel = ours.net.layers[-1].implementation or "NumPy"
    summaries = {label: summary(found) for label, found in seconds.items()}
    raw = {label: [round(1e3 * s, 5) for s in found] for label, found in seconds.items()}
    return {
        "ratio": ratio,
        "against": best,
        "why": why,
        "shapes": [b.shape for b in case.bottoms],
        "kernel": kernel,
        "summary": summaries,
        "raw_ms": raw,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="rows whose name contains one of these; all by default")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each row")
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/layers.json")
    args = parser.parse_args()
    torch.set_num_threads(2)
    chosen = [c for c in CASES if not args.parts or any(p in c.name for p in args.parts)]
    print(f"{'layer':38s} {'bottom 0':18s} {'owlkit ms':>9s} {'torch ms':>9s} {'its layout':13s}  ratio")
    rows = {case.name: compare(case, args.seconds) for case in chosen}
    slower = [name for name, row in rows.items() if row["ratio"] < 1]
    print(f"{len(rows) - len(slower)} of {len(rows)} at least at par" + "".join(f"\n  {s}" for s in slower))
    if args.store:
        print("stored", store("layers", {"threads": 2, "layers": rows}))


if __name__ == "__main__":
    main()
