"""PyTorch's side of `gpu_iteration.py`, in each of its ways, and the product to which shares refer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from gpu_measuring import Memory, Side, Step, repeated
from torch.nn import functional as F
from torch_nets import NETS as MODELS


class TorchMemory(Memory):
    """PyTorch's allocator. captured : whether counting began before a capture, whose replays take nothing."""

    def __init__(self, captured: bool = False) -> None:
        self._captured = captured

    def begin(self) -> None:
        if not self._captured:
            torch.cuda.reset_peak_memory_stats()

    def peak(self) -> int:
        return int(torch.cuda.max_memory_allocated())

    def device(self) -> int:
        free, total = torch.cuda.mem_get_info()
        return int(total - free)


def torch_side(
    known: tuple[Any, ...], net: str, batch: int, precision: str, training: bool, device: str, way: str
) -> Side:
    """`way` : words of it. known : what `gpu_sides.NETS` has of the net.

    channels_last : the layout. compile : by torch.compile, with reduce-overhead in its mode of that name,
    which makes CUDA graphs. graph : all of an iteration as one CUDA graph.
    """
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    words = way.split()
    _, _, shape, classes = known
    layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
    # Where nothing is trained all of the model is rounded once, and not in each pass.
    kind = torch.bfloat16 if precision == "bf16" and not training else torch.float32
    model: Any = MODELS[net]().train(training).to(device, kind).to(memory_format=layout)
    x = torch.randn((batch, *shape), device=device, dtype=kind).to(memory_format=layout)
    labels = torch.randint(0, classes, (batch,), device=device)
    run = _compiled(model, words)
    # A graph keeps no cache of casts: weights change between its replays.
    half = partial(torch.autocast, device, torch.bfloat16, cache_enabled="graph" not in words)
    precise: Callable[[], Any] = half if precision == "bf16" and training else nullcontext
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, 0.9, weight_decay=5e-4, fused=True)

    def train() -> None:
        optimiser.zero_grad(set_to_none=True)
        with precise():
            loss = sum(weight * F.cross_entropy(logits, labels) for weight, logits in run(x))
        loss.backward()  # type: ignore[union-attr]
        optimiser.step()

    def infer() -> Any:
        with torch.inference_mode():
            return F.softmax(run(x)[-1][1].float(), 1)

    step: Any = train if training else infer
    if "graph" in words:
        step = _captured(step)
    whole = step if training else lambda: step().cpu()
    if device != "cuda":
        return Side(repeated(whole), lambda: None, Memory())
    side = Side(repeated(whole), torch.cuda.synchronize, TorchMemory("graph" in words))
    side.watch(torch.Tensor, "cpu")
    return side


def _compiled(model: Any, words: list[str]) -> Any:
    if "compile" not in words:
        return model
    return torch.compile(model, mode="reduce-overhead" if "reduce-overhead" in words else None)


def _captured(step: Step) -> Step:
    """A CUDA graph of one iteration, made as PyTorch asks: some runs on a side stream come first.

    After the first of them, which tries algorithms, memory is counted, for the graph keeps what it took.
    """
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        step()
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> Any:
        graph.replay()
        return result

    return replay


def product_rate(precision: str, size: int = 8192, tries: int = 20) -> float:
    """Multiply-adds a second of a large product of matrices on the GPU, the best of `tries`."""
    torch.backends.cuda.matmul.allow_tf32 = True
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(tries):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        a @ b
        end.record()
        end.synchronize()
        best = min(best, start.elapsed_time(end) / 1e3)
    return float(size**3 / best)
