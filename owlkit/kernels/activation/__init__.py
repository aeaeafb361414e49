"""Elementwise activations: ReLU, Sigmoid, TanH."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.activation import cuda, onednn, reference

_MODULES = {"cuda": cuda, "onednn": onednn, "reference": reference}


@dataclass(frozen=True)
class Activation:
    """y = f(x), elementwise; x and y may be one tensor.

    kind : "relu", "sigmoid" or "tanh".
    slope : of ReLU for x <= 0.
    x : descriptor of bottom and top.
    """

    kind: str
    x: Descriptor
    slope: float = 0.0


def make(device: Device, spec: Activation) -> Any:
    """A kernel with `forward(x, y)` and `backward(y, dy, dx)`.

    For ReLU, `backward` reads y's sign only. Where slope < 0, y has lost the sign: give it x in place of y.
    """
    found = {name: module.ActivationKernel for name, module in _MODULES.items()}
    return choose(device, spec, found)
