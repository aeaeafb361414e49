"""One side of `gpu_iteration.py`, measured in a process of its own: owlkit, or PyTorch in one of its ways.

    python benchmarks/gpu_sides.py '{"net": "lenet", "side": "torch eager", "precision": "tf32", ...}'

prints a JSON object: seconds of each round (of one iteration), host seconds of an iteration, peak bytes. What
a side cannot do is told as "refused".
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from report import quiet_blas

quiet_blas()

import numpy as np  # noqa: E402

from owlkit import zoo  # noqa: E402

Step = Callable[[], Any]
# name -> (maker, images of a batch, their shape, classes)
NETS: dict[str, tuple[Callable[..., Any], int, tuple[int, int, int], int]] = {
    "lenet": (zoo.lenet, 64, (1, 28, 28), 10),
    "caffenet": (zoo.caffenet, 256, (3, 227, 227), 1000),
    "googlenet": (zoo.googlenet, 128, (3, 224, 224), 1000),
    "vgg16": (partial(zoo.vgg, 16), 64, (3, 224, 224), 1000),
    "resnet50": (partial(zoo.resnet, 50), 256, (3, 224, 224), 1000),
}
TORCH = ("eager", "channels_last", "compile", "compile channels_last", "graph channels_last")
FIELDS = dict(base_lr=1e-3, momentum=0.9, weight_decay=5e-4, lr_policy="fixed", max_iter=10**6, seed=1)


class Side:
    """What is measured. step : one iteration, queued. wait : until all is done. peak : bytes of the GPU.

    waited : seconds that the host has waited within steps so far; they are no work of the host's.
    """

    def __init__(self, step: Step, wait: Step, peak: Callable[[], int]) -> None:
        self.step, self.wait, self.peak = step, wait, peak
        self.waited = 0.0

    def watch(self, owner: Any, name: str) -> None:
        """Count the time spent in a method that waits for the GPU."""
        call = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*args, **options)
            finally:
                self.waited += time.perf_counter() - started

        setattr(owner, name, timed)


def owlkit_side(net: str, batch: int, precision: str, training: bool, device: str) -> Side:
    """Solver.step(1) on data that lie in memory; or a forward pass, its output fetched."""
    import owlkit

    make, _, shape, classes = NETS[net]
    where: Any = owlkit.gpu(tf32=precision == "tf32") if device == "cuda" else device
    dtype = "float32" if precision == "tf32" else "bfloat16"
    images = np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)
    if training:
        solver = owlkit.Solver(make(form="train", batch_size=batch), device=where, dtype=dtype, **FIELDS)
        solver.net.blobs["label"].data[...] = np.random.default_rng(1).integers(0, classes, batch)
        model, step = solver.net, partial(solver.step, 1)
    else:
        model = owlkit.Net(make(form="deploy", batch_size=batch), device=where, dtype=dtype, backward=False)
        step = model.forward  # type: ignore[assignment]
    model.blobs["data"].data[...] = images
    if device != "cuda":
        return Side(step, lambda: None, lambda: 0)
    import cupy

    driver: Any = where.gpu.driver
    side = Side(step, driver.synchronize, cupy.get_default_memory_pool().used_bytes)
    side.watch(driver, "download")
    return side


def torch_side(net: str, batch: int, precision: str, training: bool, device: str, way: str) -> Side:
    """The same by PyTorch: `way` is one of TORCH."""
    import torch
    from torch.nn import functional as F
    from torch_nets import NETS as MODELS

    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    _, _, shape, classes = NETS[net]
    layout = torch.channels_last if "channels_last" in way else torch.contiguous_format
    model: Any = MODELS[net]().train(training).to(device).to(memory_format=layout)
    x = torch.randn((batch, *shape), device=device).to(memory_format=layout)
    labels = torch.randint(0, classes, (batch,), device=device)
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, 0.9, weight_decay=5e-4, fused=True)
    run = torch.compile(model) if "compile" in way else model
    # A graph keeps no cache of casts: weights change between its replays.
    half = partial(torch.autocast, device, torch.bfloat16, cache_enabled="graph" not in way)
    precise = half if precision == "bf16" else nullcontext

    def train() -> None:
        optimiser.zero_grad(set_to_none=True)
        with precise():
            loss = sum(weight * F.cross_entropy(logits, labels) for weight, logits in run(x))
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()

    def infer() -> Any:
        with torch.inference_mode(), precise():
            return F.softmax(run(x)[-1][1], 1)

    step: Any = train if training else infer
    if "graph" in way:
        step = _captured(step)
    whole = step if training else lambda: step().cpu()
    if device != "cuda":
        return Side(whole, lambda: None, lambda: 0)
    side = Side(whole, torch.cuda.synchronize, torch.cuda.max_memory_allocated)
    side.watch(torch.Tensor, "cpu")
    return side


def _captured(step: Step) -> Step:
    """A CUDA graph of one iteration, made as PyTorch asks: some runs on a side stream come first."""
    import torch

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> Any:
        graph.replay()
        return result

    return replay


def measure(side: Side, rounds: int, seconds: float) -> dict[str, Any]:
    """Rounds of as many iterations as take about `seconds`; first a few that are not counted."""
    for _ in range(5):
        side.step()
    side.wait()
    once = timed(side, 3)
    count = max(3, int(seconds / once))
    times = [timed(side, count) for _ in range(rounds)]
    side.waited = 0.0
    started = time.perf_counter()
    few = min(count, 10)  # not so many that the queue is full and the host has to wait
    for _ in range(few):
        side.step()
    host = (time.perf_counter() - started - side.waited) / few
    side.wait()
    return {"seconds": times, "host_seconds": host, "peak_bytes": int(side.peak()), "in_a_round": count}


def timed(side: Side, count: int) -> float:
    """Seconds of one of `count` iterations in a row, with the wait for the last."""
    started = time.perf_counter()
    for _ in range(count):
        side.step()
    side.wait()
    return (time.perf_counter() - started) / count


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Make the side and measure it; an error is what it refuses."""
    kind, _, way = asked["side"].partition(" ")
    what = (asked["net"], asked["batch"], asked["precision"], asked["training"], asked["device"])
    try:
        side = owlkit_side(*what) if kind == "owlkit" else torch_side(*what, way)
        return measure(side, asked["rounds"], asked["seconds"])
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"[:500]}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
