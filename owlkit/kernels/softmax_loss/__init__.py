"""Softmax followed by the mean negative logarithm of one class's probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.losses import NONE
from owlkit.kernels.softmax_loss import cuda, onednn, reference

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


@dataclass(frozen=True)
class SoftmaxLoss:
    """loss = -1/Z sum over positions of log(p[target]), p = softmax(x) along `axis`.

    x : descriptor of the scores. Its positions (all axes but `axis`, rows in memory order) have one target
    each.
    axis : non-negative, in Caffe's order.
    ignore : label of positions that do not count; None where there is none.
    normalization : what Z is, one of `kernels.losses`' modes.
    """

    x: Descriptor
    axis: int
    ignore: int | None = None
    normalization: int = NONE

    @property
    def batch(self) -> int:
        """Product of the axes before that of the classes."""
        return math.prod(self.x.shape[: self.axis])

    @property
    def positions(self) -> int:
        """How many labels there are."""
        return self.x.count // max(self.x.shape[self.axis], 1)


def make(device: Device, spec: SoftmaxLoss) -> Any:
    """A kernel with

    forward(x, p, labels, loss) : writes the probabilities p and the loss, a tensor of one value. labels :
        `kernels.losses.Labels`, of `x`.
    backward(p, labels, weight, dx) : dx = weight / Z * (p - onehot(target)), 0 in ignored rows, for the
        labels of the last forward; weight is a tensor of one value.

    A label that is not allowed raises DataError; on a GPU, which cannot stop for it, the loss is NaN.
    """
    return choose(device, spec, {name: module.SoftmaxLossKernel for name, module in _MODULES.items()})
