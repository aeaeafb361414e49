"""Softmax followed by the negative logarithm of one class's probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.softmax_loss import onednn, reference


@dataclass(frozen=True)
class SoftmaxLoss:
    """loss = -sum over positions of log(p[target]), p = softmax(x) along `axis`.

    x : descriptor of the scores. Its positions (all axes but `axis`, rows in memory order) have one target
    each.
    axis : non-negative, in Caffe's order.
    """

    x: Descriptor
    axis: int


def make(device: Device, spec: SoftmaxLoss) -> Any:
    """A kernel with

    forward(x, p, targets, ignored) -> float : writes the probabilities p, returns the sum.
        targets : (rows,) int64 in [0, length); ignored : (rows,) bool, or None where no row is ignored.
    backward(p, scale, dx) : writes dx = scale * (p - onehot(target)), 0 in ignored rows, for the targets of
    the
        last forward.
    """
    return choose(
        device, spec, {"onednn": onednn.SoftmaxLossKernel, "reference": reference.SoftmaxLossKernel}
    )
