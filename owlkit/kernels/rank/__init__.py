"""How a chosen class ranks among the scores of its position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.rank import reference, threads


@dataclass(frozen=True)
class Rank:
    """below[i] = number of classes k with x[i, k] < x[i, target_i].

    x : descriptor of the scores. Its positions i (all axes but `axis`, in memory order) have one target each.
    axis : of the classes, non-negative, in Caffe's order.
    """

    x: Descriptor
    axis: int


def make(device: Device, spec: Rank) -> Any:
    """A kernel with `below(x, targets)`: counts, (positions,), in a dtype that holds them.

    targets : (positions,) int64 in [0, classes), which the caller has checked. Nothing is below NaN.
    """
    return choose(device, spec, {"threads": threads.RankKernel, "reference": reference.RankKernel})
