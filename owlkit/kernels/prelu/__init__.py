"""ReLU with a slope for each channel, and the gradient of these slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.prelu import cuda, onednn, reference


@dataclass(frozen=True)
class PReLU:
    """y = max(x, 0) + a * min(x, 0), x : (N, C, ...), a : (C,), or () where all channels share one.

    x : descriptor of bottom and top. smaller : type of a; "" : x's.
    """

    x: Descriptor
    shared: bool = False
    smaller: str = ""


def make(device: Device, spec: PReLU) -> Any:
    """A kernel with `forward(x, a, y)` and `backward(x, a, dy, dx, da)`, which overwrites dx and da.

    x and y may be one tensor in forward; dx may be dy.
    """
    found = {"cuda": cuda.PReLUKernel, "onednn": onednn.PReLUKernel, "reference": reference.PReLUKernel}
    return choose(device, spec, found)
