"""Fully connected: a product of matrices with a bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.inner_product import cuda, onednn, reference

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


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
    found = {name: module.InnerProductKernel for name, module in _MODULES.items()}
    return choose(device, spec, found)
