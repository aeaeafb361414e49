"""Functions of each value by itself, without learned parameters, whose gradient may need the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.elementwise import cuda, onednn, reference


@dataclass(frozen=True)
class Elementwise:
    """y = factor * f(u) with u = shift + scale * x; x and y may be one tensor.

    kind : "abs" |u|; "power" u^alpha; "exp" e^u; "log" ln u; "bnll" ln(1 + e^u); "elu" u for u > 0, otherwise
        alpha (e^u - 1); "swish" u / (1 + e^(-alpha u)); "clip" u within alpha .. beta; "threshold" 1 where
        u > alpha, otherwise 0 (its gradient is taken as 0).
    x : descriptor of bottom and top.
    scale and shift are for power, exp and log, factor for log; others want 1, 0 and 1.
    """

    kind: str
    x: Descriptor
    alpha: float = 1.0
    beta: float = 0.0
    scale: float = 1.0
    shift: float = 0.0
    factor: float = 1.0


def make(device: Device, spec: Elementwise) -> Any:
    """A kernel with `forward(x, y)` and `backward(x, y, dy, dx)`, x as it was; dx may be dy."""
    modules = {"cuda": cuda, "onednn": onednn, "reference": reference}
    found = {name: module.ElementwiseKernel for name, module in modules.items()}
    return choose(device, spec, found)
