"""Sum of squared differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.euclidean_loss import cuda, reference, threads

_MODULES = {"cuda": cuda, "threads": threads, "reference": reference}


@dataclass(frozen=True)
class EuclideanLoss:
    """loss = 1/(2 N) sum (a - b)^2. x : descriptor of a and b. batch : N."""

    x: Descriptor
    batch: int = 1


def make(device: Device, spec: EuclideanLoss) -> Any:
    """A kernel with

    forward(a, b, difference, loss) : writes a - b and the loss, a tensor of one value.
    backward(difference, weight, sign, da) : da = sign * weight / N * difference, from the last forward; sign
        is 1 for the gradient of a, -1 for that of b, weight a tensor of one value.
    """
    return choose(device, spec, {name: module.EuclideanLossKernel for name, module in _MODULES.items()})
