"""A box cut out of a tensor, and put back into zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.crop import cuda, reference


@dataclass(frozen=True)
class Crop:
    """y = x from `offsets` on, as long as y along every axis.

    x, y : descriptors with as many axes. offsets : one per axis, in Caffe's order.
    """

    x: Descriptor
    y: Descriptor
    offsets: tuple[int, ...]


def make(device: Device, spec: Crop) -> Any:
    """A kernel with `forward(x, y)` and `backward(dy, dx)`, dx being 0 outside of the box."""
    return choose(device, spec, {"cuda": cuda.CropKernel, "reference": reference.CropKernel})
