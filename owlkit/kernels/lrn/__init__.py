"""Local response normalisation across or within channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.lrn import cuda, onednn, reference


@dataclass(frozen=True)
class LRN:
    """y = x * s^-beta with s = k + alpha / count * (sum of x^2 over a neighbourhood), x : (N, C, H, W).

    size : length of the neighbourhood, odd; out of bounds counts as 0.
    within : the neighbourhood is size x size in the plane (count = size^2) instead of `size` channels.
    x : descriptor of bottom and top.
    """

    x: Descriptor
    size: int
    alpha: float
    beta: float
    k: float
    within: bool = False


def make(device: Device, spec: LRN) -> Any:
    """A kernel with `forward(x, y)` and `backward(x, y, dy, dx)`; no two tensors may share memory."""
    found = {"cuda": cuda.LRNKernel, "onednn": onednn.LRNKernel, "reference": reference.LRNKernel}
    return choose(device, spec, found)
