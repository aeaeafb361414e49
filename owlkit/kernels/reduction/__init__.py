"""Sums over the last axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import choose
from owlkit.kernels.reduction import cuda, reference, threads

Groups = tuple[int, int, int]


@dataclass(frozen=True)
class Reduction:
    """y_i = coeff * sum_j f(x_ij), j over all axes from `axis` on, i over those before it.

    operation : "SUM" f(x) = x; "ASUM" |x|; "SUMSQ" x^2; "MEAN" x / M, with M the number of values of a sum.
    x : descriptor of the bottom. axis : non-negative, in Caffe's order.
    """

    operation: str
    x: Descriptor
    axis: int
    coeff: float = 1.0

    @property
    def factor(self) -> float:
        """What sums of f are multiplied by, M included."""
        return self.coeff / (max(math.prod(self.x.shape[self.axis :]), 1) if self.operation == "MEAN" else 1)

    @property
    def groups(self) -> Groups:
        """(outer, length, inner): a shape of x in memory, of which `length` is summed over."""
        shape = self.x.shape
        if self.x.channels_last and self.axis >= 2:
            n, c, h, w = shape
            return (n, h * w, c) if self.axis == 2 else (n * h, w, c)
        return math.prod(shape[: self.axis]), math.prod(shape[self.axis :]), 1

    def results(self, y: Tensor) -> np.ndarray:
        """y as a view whose C order is that of (outer, inner)."""
        return y.array.swapaxes(1, 2) if self.x.channels_last and self.axis == 3 else y.array


def make(device: Device, spec: Reduction) -> Any:
    """A kernel with `forward(x, y)` and `backward(x, dy, dx)`; y and dy are (x.shape[:axis]).

    dx_ij = coeff * dy_i * f'(x_ij); f' of ASUM is sign(x), 0 at 0.
    """
    modules = {"cuda": cuda, "threads": threads, "reference": reference}
    return choose(device, spec, {name: module.ReductionKernel for name, module in modules.items()})
