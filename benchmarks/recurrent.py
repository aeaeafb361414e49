"""An LSTM over whole sequences, forward and backward, owlkit against PyTorch on the CPU, in one process.

    python benchmarks/recurrent.py [16x80x1000] [--rounds 7]

Batch, time steps and units (as many inputs as units); the default is of 2014's size. A pass is forward, then
backward to the input and to all parameters, whose gradients are overwritten; on owlkit's side it is that of a
net with visible blobs. PyTorch's is torch.nn.LSTM (oneDNN's LSTM inside), its gradients set to None before.
Rounds alternate, so that a drifting machine hurts both sides alike; the first pass of a round does not count.
Needs torch in the environment; two threads a side.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
from report import quiet_blas, store, summary

quiet_blas()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from training_iteration import measure  # noqa: E402

import owlkit  # noqa: E402
from owlkit.proto import caffe_pb2, text  # noqa: E402

TARGET = 1.0  # at least at par
NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: {t} dim: {n} dim: {h} }} }} }}
layer {{ name: "cont" type: "Input" top: "cont" input_param {{ shape {{ dim: {t} dim: {n} }} }} }}
layer {{
  name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h" loss_weight: 1
  recurrent_param {{ num_output: {h} weight_filler {{ type: "uniform" min: -{r} max: {r} }} }}
}}
"""


def owlkit_pass(n: int, t: int, h: int, x: np.ndarray) -> Callable[[], Any]:
    """Forward and backward of a net that is one LSTM layer; the loss is the sum of its outputs."""
    definition = text.parse(NET.format(n=n, t=t, h=h, r=h**-0.5), caffe_pb2.NetParameter)
    net = owlkit.Net(definition, phase="train", seed=1)
    net.blobs["x"].data[...] = x
    net.blobs["cont"].data[0], net.blobs["cont"].data[1:] = 0, 1

    def run() -> None:
        net.forward()
        net.clear_param_diffs()
        net.backward()

    return run


def torch_pass(n: int, t: int, h: int, x: np.ndarray) -> Callable[[], Any]:
    lstm, source = torch.nn.LSTM(h, h), torch.from_numpy(x).requires_grad_()

    def run() -> None:
        lstm.zero_grad(set_to_none=True)
        source.grad = None
        lstm(source)[0].sum().backward()

    return run


def compare(name: str, rounds: int) -> dict[str, Any]:
    """Measure one shape and print its line."""
    n, t, h = (int(size) for size in name.split("x"))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((t, n, h), dtype=np.float32)
    passes = {"owlkit": owlkit_pass(n, t, h, x), "torch": torch_pass(n, t, h, x)}
    seconds = measure(passes, rounds, in_a_row=3)
    ours, theirs = (1e3 * statistics.median(seconds[side]) for side in ("owlkit", "torch"))
    ratio = theirs / ours
    verdict = "reached" if ratio >= TARGET else "NOT reached"
    print(
        f"{name:12s} owlkit {ours:7.1f} ms   torch.nn.LSTM {theirs:7.1f} ms   ratio {ratio:.2f}   "
        f"target {TARGET} {verdict}",
        flush=True,
    )
    raw = {side: [round(1e3 * s, 3) for s in values] for side, values in seconds.items()}
    summaries = {side: summary(values) for side, values in seconds.items()}
    return {"ratio": ratio, "target": TARGET, "summary": summaries, "raw_ms": raw}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "shapes", nargs="?", default="16x80x1000", help="batch x steps x units, comma-separated"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/recurrent.json")
    args = parser.parse_args()
    torch.set_num_threads(2)
    results = {name: compare(name, args.rounds) for name in args.shapes.split(",")}
    if args.store:
        print("stored", store("recurrent", {"threads": 2, "shapes": results}))


if __name__ == "__main__":
    main()
