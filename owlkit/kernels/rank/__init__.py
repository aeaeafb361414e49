"""How often a label is among the best scores of its position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.rank import cuda, reference, threads

_MODULES = {"cuda": cuda, "threads": threads, "reference": reference}


@dataclass(frozen=True)
class Rank:
    """The share of positions i where the label's score is among the best: at least K - top_k classes k have
    x[i, k] < x[i, label_i].

    x : descriptor of the scores. Its positions i (all axes but `axis`, in memory order) have one label each.
    axis : of the K classes, non-negative, in Caffe's order. ignore : label of positions that do not count.
    """

    x: Descriptor
    axis: int
    top_k: int = 1
    ignore: int | None = None


def make(device: Device, spec: Rank) -> Any:
    """A kernel with

    forward(x, labels, share, shares) : writes the share of right positions, a tensor of one value, and that
        of each class, (K,), where `shares` is given; 0 where there is none. labels :
        `kernels.losses.Labels`, of `x`.

    A label that is not allowed raises DataError; on a GPU, which cannot stop for it, the share is NaN.
    """
    return choose(device, spec, {name: module.RankKernel for name, module in _MODULES.items()})
