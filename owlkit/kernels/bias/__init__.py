"""Addition of a smaller tensor along some axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.bias import cuda, onednn, reference


@dataclass(frozen=True)
class Bias:
    """y = x + b, with b of shape x.shape[axis : axis + num_axes], repeated elsewhere.

    x : descriptor of bottom and top. smaller : type of b; "" : x's.
    """

    x: Descriptor
    axis: int
    num_axes: int
    smaller: str = ""


def make(device: Device, spec: Bias) -> Any:
    """A kernel with `forward(x, b, y)`, where x and y may be one tensor, and `gradient(dy, db)`.

    `gradient` overwrites db with the sum of dy over the axes that b lacks.
    """
    found = {"cuda": cuda.BiasKernel, "onednn": onednn.BiasKernel, "reference": reference.BiasKernel}
    return choose(device, spec, found)
