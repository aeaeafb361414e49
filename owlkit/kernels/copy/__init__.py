"""Copying values between shapes and layouts, in C order of the shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.copy import cuda, onednn, reference


@dataclass(frozen=True)
class Copy:
    """y.reshape(x.shape) = x, both read in C order of their shapes, whatever their order in memory.

    x, y : descriptors with the same count.
    """

    x: Descriptor
    y: Descriptor


def make(device: Device, spec: Copy) -> Any:
    """A kernel with `forward(x, y)`; x and y must not share memory."""
    found = {"cuda": cuda.CopyKernel, "onednn": onednn.CopyKernel, "reference": reference.CopyKernel}
    return choose(device, spec, found)
