"""Softmax followed by the mean negative logarithm, each kind of mistake at a price of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.infogain_loss import cuda, reference
from owlkit.kernels.losses import NONE

_MODULES = {"cuda": cuda, "reference": reference}


@dataclass(frozen=True)
class InfogainLoss:
    """loss = -1/Z sum over positions i, classes k of h[label_i, k] log(max(p[i, k], 1e-20)), p = softmax(x).

    x : descriptor of the scores. Its positions (all axes but `axis`, in memory order) have one label each.
    axis : non-negative, in Caffe's order. ignore : label of positions that do not count; None: all do.
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


def make(device: Device, spec: InfogainLoss) -> Any:
    """A kernel with

    forward(x, p, labels, h, loss) : writes the probabilities p and the loss, a tensor of one value. labels :
        `kernels.losses.Labels`, of `x`. h : K * K prices, a row for each label.
    backward(p, labels, h, weight, dx) : dx[i, k] = weight / Z * (p[i, k] * sum_j h[label_i, j] -
        h[label_i, k]), 0 where ignored, for labels and h of the last forward; weight : a tensor of one value.

    A label that is not allowed raises DataError; on a GPU, which cannot stop for it, the loss is NaN.
    """
    return choose(device, spec, {name: module.InfogainLossKernel for name, module in _MODULES.items()})
