"""Softmax along one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.softmax import onednn, reference


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
    return choose(device, spec, {"onednn": onednn.SoftmaxKernel, "reference": reference.SoftmaxKernel})
