"""What a layer call costs beside its numerics: nets of a hundred layers on tiny blobs, forward and backward.

    python benchmarks/layer_call.py [mixed,conv1x1,...] [--rounds 15] [--store]

Each net is run twice over. "total" is a whole pass, `net.forward()` or (parameter gradients cleared before)
`net.backward()`, divided by the calls in the plan. "own" is the same for a net whose numerics are taken
out: oneDNN's execute is replaced by a C function that returns 0 at once, and the methods of kernels in
NumPy (those of BatchNorm's running statistics among them) by a Python function that
does nothing. What stays is owlkit's own Python: the plan's loop, the layer's forward or backward, the
kernel's call, ctypes. It is an upper bound, because the call into C, and what NumPy a layer does besides,
stay in. Nets are made with fuse=False, so that a hundred layers are a hundred calls. Where the NumPy of a
layer cannot be taken out, "own" is empty.

The peer is the same chain in PyTorch's eager mode, forward with autograd recording, and backward, in the same
run; rounds alternate. Needs torch in the environment; one thread a side, as there is nothing to share out.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")
from report import quiet_blas, store

quiet_blas()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from layer_call_nets import CHAINS, MIXED, SHAPE, mixed_text, torch_chain, torch_mixed  # noqa: E402

import owlkit  # noqa: E402
from owlkit.kernels.dnnl import api  # noqa: E402
from owlkit.proto import caffe_pb2, text  # noqa: E402

TARGET = 5.0  # microseconds of owlkit's own per layer call
LAYERS = 100
INPUT = "force_backward: true\nlayer { name: 'data' type: 'Input' top: 'x0' input_param { shape { %s } } }\n"
KERNEL_METHODS = ("forward", "backward", "backward_params", "backward_data", "join", "cut")


def chain_text(body: str) -> str:
    """A hundred layers of one kind, one after another; {x} in the body is the bottom."""
    return "\n".join(
        f"layer {{ name: 'l{i}' bottom: 'x{i}' top: 'x{i + 1}' {body.replace('{x}', f'x{i}')} }}"
        for i in range(LAYERS)
    )


def make_net(layers: str) -> owlkit.Net:
    dims = " ".join(f"dim: {n}" for n in SHAPE)
    net = owlkit.Net(
        text.parse(INPUT % dims + layers, caffe_pb2.NetParameter), phase="train", seed=1, fuse=False
    )
    net.blobs["x0"].data[...] = np.random.default_rng(0).uniform(0.1, 1, SHAPE)
    return net


def _nothing(*_: Any) -> float:
    return 1.0


def _take_numerics_out(layer: Any) -> bool:
    """Whether nothing but the layer's own Python is left."""
    kernel = getattr(layer, "kernel", None)
    if str(getattr(kernel, "implementation", "")).startswith("reference"):
        for name in KERNEL_METHODS:
            if hasattr(kernel, name):
                setattr(kernel, name, _nothing)
    statistics = getattr(layer, "_statistics", None)
    for name in ("read", "follow") if statistics is not None else ():
        setattr(statistics, name, _nothing)
    return kernel is not None or layer.type in ("Input", "Python")


def make_hollow(layers: str) -> owlkit.Net | None:
    """The net without numerics, bound and ready; None where some would stay."""
    returns_zero = ctypes.CDLL(None)["pthread_equal"]  # 0 unless its first two arguments are equal
    with mock.patch.object(api, "execute", return_value=returns_zero):
        net = make_net(layers)
        _pass(net)  # kernels are made and bound to their tensors
        for layer in net.layers:
            if not _take_numerics_out(layer):
                return None
        _pass(net)
    return net


def _pass(net: owlkit.Net) -> None:
    net.forward()
    net.clear_param_diffs()
    net.backward()


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _net_times(net: owlkit.Net) -> tuple[float, float]:
    """Microseconds per call, forward and backward."""
    forward = _seconds(net.forward)
    net.clear_param_diffs()
    backward = _seconds(net.backward)
    return 1e6 * forward / len(net.plan.forward_calls), 1e6 * backward / len(net.plan.backward_calls)


def _torch_times(chain: Callable[[torch.Tensor], torch.Tensor], count: int) -> tuple[float, float]:
    x = torch.full(SHAPE, 0.5, requires_grad=True)
    start = time.perf_counter()
    y = chain(x)
    forward = time.perf_counter() - start
    gradient = torch.ones_like(y)
    return 1e6 * forward / count, 1e6 * _seconds(lambda: y.backward(gradient)) / count


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Medians and raw numbers of a chain, in microseconds per call."""
    layers = mixed_text() if name == MIXED else chain_text(CHAINS[name][0])
    chain, count = (torch_mixed(), LAYERS) if name == MIXED else (torch_chain(name, LAYERS), LAYERS)
    real, hollow = make_net(layers), make_hollow(layers)
    sides: dict[str, Callable[[], tuple[float, float]]] = {"total": lambda: _net_times(real)}
    if hollow is not None:
        sides["own"] = lambda: _net_times(hollow)
    sides["torch"] = lambda: _torch_times(chain, count)
    for side in sides.values():
        side()
    raw: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in list(sides) if number % 2 == 0 else list(sides)[::-1]:
            sides[side]()
            raw[side].append(sides[side]())
    calls = {"forward": len(real.plan.forward_calls), "backward": len(real.plan.backward_calls)}
    return (
        {"calls": calls}
        | {
            way: {side: round(statistics.median(pair[i] for pair in pairs), 2) for side, pairs in raw.items()}
            for i, way in enumerate(("forward", "backward"))
        }
        | {"raw_us": {side: [[round(v, 2) for v in pair] for pair in pairs] for side, pairs in raw.items()}}
    )


def _line(name: str, found: dict[str, Any]) -> str:
    cells = [f"{name:14s}"]
    for way in ("forward", "backward"):
        own, total, peer = (found[way].get(side) for side in ("own", "total", "torch"))
        cells.append(
            f"{way}: own {'    -' if own is None else f'{own:5.2f}'} total {total:6.2f} torch {peer:6.2f}"
        )
    owns = [found[way]["own"] for way in ("forward", "backward") if "own" in found[way]]
    cells.append("" if not owns else "reached" if max(owns) < TARGET else "NOT reached")
    return "   ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="?", default=",".join([MIXED, *CHAINS]), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--store", action="store_true", help="write benchmarks/results/layer_call.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for name in args.nets.split(","):
        results[name] = measure(name, args.rounds)
        print(_line(name, results[name]), flush=True)
    if args.store:
        about = {"unit": "microseconds per layer call", "target_own": TARGET, "threads": 1, "shape": SHAPE}
        print("stored", store("layer_call", about | {"nets": results}))


if __name__ == "__main__":
    main()
