"""Dropout: a random mask and the multiplication by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.dropout import cuda, onednn, reference


@dataclass(frozen=True)
class Dropout:
    """y = x * keep / (1 - ratio), elementwise; keep is 0 with probability `ratio`, otherwise 1.

    x : descriptor of bottom and top, which may be one tensor.
    """

    x: Descriptor
    ratio: float


def make(device: Device, spec: Dropout) -> Any:
    """A kernel with `draw(rng)` (a new mask), `forward(x, y)` and `backward(dy, dx)`.

    `state()` is a JSON-able dictionary of what its masks depend on besides `rng`; `restore(state, rng)`, to
    be called before the first `draw`, sets it. Where the state has nothing for this kernel, it starts from
    `rng`. `moving` has the tensors with the state, which `draw` changes. On a CPU all masks come from `rng`
    itself, and both are empty.
    """
    found = {"cuda": cuda.DropoutKernel, "onednn": onednn.DropoutKernel, "reference": reference.DropoutKernel}
    return choose(device, spec, found)
