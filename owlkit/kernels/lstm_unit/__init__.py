"""One step of an LSTM, after the products with its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.kernels import choose
from owlkit.kernels.lstm_unit import cuda, reference

_MODULES = {"cuda": cuda, "reference": reference}


@dataclass(frozen=True)
class LSTMUnit:
    """c = cont f c_prev + i g, h = o tanh(c), from x in the order i, f, o, g: sigmoids, and tanh for g.

    streams, units : N and D; states are N * D values, x is N * 4 D, cont is N.
    """

    streams: int
    units: int
    dtype: str = "float32"


def make(device: Device, spec: LSTMUnit) -> Any:
    """A kernel with

    forward(c_prev, x, cont, c, h);
    backward(c_prev, dc, dh, dc_prev, dx) : for the last forward; a gradient that is not wanted is None.
    """
    return choose(device, spec, {name: module.LSTMUnitKernel for name, module in _MODULES.items()})
