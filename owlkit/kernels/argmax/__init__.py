"""The highest values of rows: where they are, and what they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.argmax import cuda, reference, threads

_MODULES = {"cuda": cuda, "threads": threads, "reference": reference}


@dataclass(frozen=True)
class ArgMax:
    """The top_k highest values along an axis, best first; of equals the highest index, and NaN last.

    x, y : descriptors of bottom and top. axis : along which, non-negative; y then has length top_k there.
        None: all but the first, as one in Caffe's order; y is (N, 1, top_k), or (N, 2, top_k) with values,
        and may have a further axis of length 1.
    values : with an axis: values in place of indices; without: values after the indices.
    """

    x: Descriptor
    y: Descriptor
    axis: int | None
    top_k: int = 1
    values: bool = False

    @property
    def candidates(self) -> int:
        """How many values a row has."""
        return math.prod(self.x.shape[1:]) if self.axis is None else self.x.shape[self.axis]


def make(device: Device, spec: ArgMax) -> Any:
    """A kernel with `forward(x, y)`."""
    return choose(device, spec, {name: module.ArgMaxKernel for name, module in _MODULES.items()})
