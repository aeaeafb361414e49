"""Updates of CaffeNet's 61 million parameters: owlkit's six rules against torch.optim on the CPU.

    python benchmarks/updates.py [SGD,Adam] [--rounds 9] [--store]

All in one process. Only the update is timed: gradients lie in memory, weights and biases form two groups
(lr_mult 1 and 2, no decay for biases), momentum 0.9 where the rule has one, weight decay 0.0005. The ratio is
against the best that PyTorch offers for the rule: foreach, and fused where it exists. Rounds alternate; two
threads a side. Needs torch in the environment.
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

from owlkit import zoo  # noqa: E402
from owlkit.net import Net  # noqa: E402
from owlkit.proto import caffe_pb2  # noqa: E402
from owlkit.solvers.rules import make_rule  # noqa: E402

DECAY, RATE = 5e-4, 1e-4
TARGET = 1.0
# rule -> (fields of the solver, torch.optim's class, its arguments, whether it has a fused form for the CPU)
RULES: dict[str, tuple[dict[str, float], Any, dict[str, Any], bool]] = {
    "SGD": ({"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}, True),
    "Nesterov": ({"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, True),
    "AdaGrad": ({}, torch.optim.Adagrad, {"eps": 1e-8}, True),
    "RMSProp": ({"rms_decay": 0.98}, torch.optim.RMSprop, {"alpha": 0.98}, False),
    "AdaDelta": ({"momentum": 0.95, "delta": 1e-6}, torch.optim.Adadelta, {"rho": 0.95, "eps": 1e-6}, False),
    "Adam": ({"momentum": 0.9}, torch.optim.Adam, {}, True),
}


def owlkit_update(rule: str, net: Any) -> Callable[[], Any]:
    """One update of the net's parameters; all rules share them."""
    param = caffe_pb2.SolverParameter(type=rule, weight_decay=DECAY, **RULES[rule][0])
    bound = make_rule(param, net)
    iterations = iter(range(10**9))
    return lambda: bound.apply(RATE, 1.0, next(iterations))


def torch_updates(rule: str, net: Any) -> dict[str, Callable[[], Any]]:
    """The same for tensors of the same shapes."""
    _, optimiser, arguments, has_fused = RULES[rule]
    updates = {}
    for form in ("foreach", *["fused"] * has_fused):
        groups = []
        for group in net.arena:
            tensors = [torch.randn(p.blob.shape) * 0.01 for p in group.parameters]
            for tensor in tensors:
                tensor.requires_grad_()
                tensor.grad = torch.randn(tensor.shape) * 0.01
            groups.append(
                {"params": tensors, "lr": RATE * group.lr_mult, "weight_decay": DECAY * group.decay_mult}
            )
        updates[f"torch {form}"] = optimiser(groups, **arguments, **{form: True}).step
    return updates


def measure(updates: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each update. A round makes three of each and does not count the first."""
    seconds: dict[str, list[float]] = {label: [] for label in updates}
    for number in range(rounds + 1):
        order = list(updates) if number % 2 == 0 else list(updates)[::-1]
        for label in order:
            updates[label]()
            for _ in range(2):
                start = time.perf_counter()
                updates[label]()
                if number:
                    seconds[label].append(time.perf_counter() - start)
    return seconds


def compare(rule: str, net: Any, rounds: int) -> dict[str, Any]:
    """Measure one rule and print its line."""
    seconds = measure({"owlkit": owlkit_update(rule, net)} | torch_updates(rule, net), rounds)
    medians = {label: statistics.median(values) for label, values in seconds.items()}
    best = min((median, label) for label, median in medians.items() if label != "owlkit")
    ratio = best[0] / medians["owlkit"]
    told = "   ".join(f"{label} {1e3 * median:6.1f} ms" for label, median in medians.items())
    print(f"{rule:9s} {told}   ratio {ratio:.2f} {'' if ratio >= TARGET else 'BELOW the target'}", flush=True)
    summaries = {label: summary(values) for label, values in seconds.items()}
    raw = {label: [round(1e3 * s, 3) for s in values] for label, values in seconds.items()}
    return {"ratio": ratio, "against": best[1], "target": TARGET, "summary": summaries, "raw_ms": raw}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rules", nargs="?", default=",".join(RULES), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/updates.json")
    args = parser.parse_args()
    torch.set_num_threads(2)
    net = Net(zoo.caffenet(form="train", batch_size=1), phase="train", seed=1)
    rng = np.random.default_rng(0)
    for group in net.arena:
        group.diff.flat[...] = 0.01 * rng.standard_normal(group.diff.flat.size, dtype=np.float32)
    count = sum(group.data.flat.size for group in net.arena)
    print(f"{count:,} parameters in {len(net.arena)} groups")
    results = {rule: compare(rule, net, args.rounds) for rule in args.rules.split(",")}
    if args.store:
        print("stored", store("updates", {"threads": 2, "parameters": count, "rules": results}))


if __name__ == "__main__":
    main()
