"""L2 norms of several tensors at once, as a monitor asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.norms import cuda, reference

_MODULES = {"cuda": cuda, "reference": reference}


@dataclass(frozen=True)
class Norms:
    """Of tensors with these descriptors."""

    values: tuple[Descriptor, ...]


def make(device: Device, spec: Norms) -> Any:
    """A kernel to call as kernel(tensors) -> (number of tensors,) float64; it changes nothing."""
    return choose(device, spec, {name: module.NormsKernel for name, module in _MODULES.items()})
