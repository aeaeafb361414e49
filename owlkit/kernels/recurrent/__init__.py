"""Recurrent sequences: what has to run step by step. Products over all steps at once are inner products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.device import Device
from owlkit.kernels import choose
from owlkit.kernels.recurrent import cuda, onednn, reference
from owlkit.kernels.recurrent.cells import CELLS


@dataclass(frozen=True)
class Recurrent:
    """z[t] += (cont[t] h[t - 1]) w^T, then the cell: gates and new state from z[t] and the state before.

    cell : "lstm" (four gates per unit: i, f, o, g) or "tanh" (h[t] = tanh(z[t])).
    steps, streams, units : T, N and H; with G gates per unit, z is (T, N, G H) and w is (G H, H).
    train : whether backward will be asked for.
    """

    cell: str
    steps: int
    streams: int
    units: int
    dtype: str = "float32"
    train: bool = True

    @property
    def width(self) -> int:
        """G H."""
        return CELLS[self.cell].gates * self.units


def make(device: Device, spec: Recurrent) -> Any:
    """A kernel with two calls on tensors:

    forward(z, w, cont, start, h, ending), which turns z, the inputs' part of the gates, into the gates and
        writes h, (T, N, H); cont is (T, N); start holds h_0 and, for an LSTM, c_0, of N * H values each;
        ending, which may be the same tensors, gets the state after the last step;
    backward(dh, z, w, cont, dz), which writes dz, the gradient of what forward was given in z. The gradient
        of the start is not computed.

    `past`, a tensor (T, N, H), then holds cont[t] h[t - 1], which the gradient of w takes: dw = dz^T past.
    """
    modules = {"cuda": cuda, "onednn": onednn, "reference": reference}
    return choose(device, spec, {name: module.RecurrentKernel for name, module in modules.items()})
