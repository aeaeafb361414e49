"""Mean 0 and variance 1 for each image, or for each channel of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.mvn import cuda, onednn, reference


@dataclass(frozen=True)
class MVN:
    """y = (x - mean) / (sqrt(variance) + eps) over a group; the variance divides by the number of values.

    x : descriptor of bottom and top, (N, C, ...).
    across : a group is a whole image; otherwise one channel of it.
    scaled : otherwise y = x - mean.
    """

    x: Descriptor
    across: bool
    scaled: bool
    eps: float

    @property
    def groups(self) -> tuple[int, int, int]:
        """A shape of memory whose middle axis runs over the values of a group."""
        n, c = self.x.shape[:2]
        rest = self.x.count // max(n * c, 1)
        if self.across:
            return n, c * rest, 1
        return (n, rest, c) if self.x.channels_last else (n * c, rest, 1)


def make(device: Device, spec: MVN) -> Any:
    """A kernel with `forward(x, y)` and `backward(x, dy, dx)`, x as it was; dx may be dy.

    dx = (dy - mean(dy) - y * mean(y * dy)) / (sqrt(variance) + eps), or dy - mean(dy) where not scaled.
    """
    modules = {"cuda": cuda, "onednn": onednn, "reference": reference}
    return choose(device, spec, {name: module.MVNKernel for name, module in modules.items()})
