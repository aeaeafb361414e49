"""Multiplication by a smaller tensor along some axes, and an optional shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.scale import cuda, onednn, reference


@dataclass(frozen=True)
class Scale:
    """y = gamma * x + beta, with gamma and beta of shape x.shape[axis : axis + num_axes], repeated elsewhere.

    x : descriptor of bottom and top.
    bias : whether there is a beta. smaller : type of gamma and beta; "" : x's.
    """

    x: Descriptor
    axis: int
    num_axes: int
    bias: bool = False
    smaller: str = ""


def make(device: Device, spec: Scale) -> Any:
    """A kernel over tensors of x.shape and of the smaller shape.

    forward(x, y, gamma, beta); backward(x, gamma, dy, dx, dgamma, dbeta) overwrites dx, dgamma and dbeta.
    beta and dbeta are None where the spec has no bias. x and y must not share memory; dx may be dy.
    """
    found = {"cuda": cuda.ScaleKernel, "onednn": onednn.ScaleKernel, "reference": reference.ScaleKernel}
    return choose(device, spec, found)
