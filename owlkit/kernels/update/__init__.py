"""Solver updates of flat parameter groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import choose
from owlkit.kernels.update import onednn, reference


@dataclass(frozen=True)
class Momentum:
    """history = momentum * history + rate * (diff + decay * data); data = data - history.

    values : descriptor of data, diff and history, one flat axis.
    Source: Caffe's SGDSolver; Sutskever et al., On the importance of initialization and momentum, ICML 2013.
    """

    values: Descriptor
    momentum: float


def make_sgd(device: Device, values: Descriptor, momentum: float) -> Any:
    """A kernel to call as kernel(data, diff, history, rate, decay); rate and decay are numbers."""
    found = {"onednn": onednn.MomentumKernel, "reference": reference.MomentumKernel}
    return choose(device, Momentum(values, momentum), found)
