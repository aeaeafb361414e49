"""The cross-entropy of independent probabilities, value by value, from their logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.sigmoid_loss import onednn, reference


@dataclass(frozen=True)
class SigmoidLoss:
    """cost = max(x, 0) - x * t + log(1 + exp(-|x|)), which neither overflows nor takes log(0).

    x : descriptor of logits, targets and costs.
    """

    x: Descriptor


def make(device: Device, spec: SigmoidLoss) -> Any:
    """A kernel with `forward(x, t, cost)` and `backward(x, t, scale, dx)`: dx = scale * (sigmoid(x) - t).

    scale is a number.
    """
    found = {"onednn": onednn.SigmoidLossKernel, "reference": reference.SigmoidLossKernel}
    return choose(device, spec, found)
