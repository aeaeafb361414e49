"""Fully connected: a product of matrices with a bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.cudnn.trials import measured
from owlkit.kernels.inner_product import cuda, fused, onednn, reference

FUSED = "cuda fused"


@dataclass(frozen=True)
class InnerProduct:
    """y = x w^T + b, optionally followed by max(y, 0).

    x : any shape, read in C order as (M, K). y : any shape, read in C order as (M, N).
    weights : (N, K), or (K, N) with `transpose`. bias : whether there is a bias (N,).
    train : whether parameter gradients will be asked for. data_gradient : whether x's gradient will.
    """

    x: Descriptor
    y: Descriptor
    rows: int
    inputs: int
    outputs: int
    transpose: bool = False
    bias: bool = True
    relu: bool = False
    train: bool = True
    data_gradient: bool = True


def make(device: Device, spec: InnerProduct) -> Any:
    """A kernel with three calls on tensors (`b` and `db` None without bias):

    forward(x, w, b, y);
    backward_data(dy, w, dx), which writes dx;
    backward_params(x, dy, dw, db, accumulate), which writes dw and db, or adds to them, and relies on the
    forward pass having been run on the same x.
    """
    found: dict[str, Callable[[Any, Any], Any]] = {
        "cuda": cuda.InnerProductKernel,
        FUSED: fused.make_kernel,
        "onednn": onednn.InnerProductKernel,
        "reference": reference.InnerProductKernel,
    }
    # Forward alone differs. Where no clock decides it is cuBLAS's product, which shares a long sum over few
    # rows between all of a GPU: what a fused one saves is a pass over y alone.
    forward = replace(spec, train=False, data_gradient=False)
    rivals = {name: found[name] for name in ("cuda", FUSED)}
    return choose(device, spec, found, measured(device, forward, rivals, fused.Rehearsal))
