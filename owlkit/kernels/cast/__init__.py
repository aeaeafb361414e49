"""Values in another type of numbers: between half precision and float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.cast import cuda, reference


@dataclass(frozen=True)
class Cast:
    """y = x, rounded to `dtype`; x : descriptor of both but for the type."""

    x: Descriptor
    dtype: str


def make(device: Device, spec: Cast) -> Any:
    """A kernel with `forward(x, y)`; both lie in the same order, and share no memory."""
    return choose(device, spec, {"cuda": cuda.CastKernel, "reference": reference.CastKernel})
