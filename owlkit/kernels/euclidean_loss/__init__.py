"""Sum of squared differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.euclidean_loss import reference, threads


@dataclass(frozen=True)
class EuclideanLoss:
    """sum (a - b)^2. x : descriptor of a and b."""

    x: Descriptor


def make(device: Device, spec: EuclideanLoss) -> Any:
    """A kernel with

    forward(a, b, difference) -> float : writes a - b, returns the sum of its squares.
    backward(difference, scale, da) : da = scale * difference, from the last forward.
    """
    found = {"threads": threads.EuclideanLossKernel, "reference": reference.EuclideanLossKernel}
    return choose(device, spec, found)
