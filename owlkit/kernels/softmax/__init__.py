"""Softmax along one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.softmax import cuda, onednn, reference

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


@dataclass(frozen=True)
class Softmax:
    """y = exp(x) / sum over `axis` of exp(x); x and y may be one tensor.

    x : descriptor of bottom and top.
    axis : non-negative, in Caffe's order.
    """

    x: Descriptor
    axis: int


def make(device: Device, spec: Softmax) -> Any:
    """A kernel with `forward(x, y)` and `backward(y, dy, dx)`; dx may be dy."""
    found = {name: module.SoftmaxKernel for name, module in _MODULES.items()}
    return choose(device, spec, found)
