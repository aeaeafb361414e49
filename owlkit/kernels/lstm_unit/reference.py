"""One step of an LSTM in NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels.recurrent.cells import LSTMCell

if TYPE_CHECKING:
    from owlkit.kernels.lstm_unit import LSTMUnit


class LSTMUnitKernel:
    def __init__(self, device: Device, spec: LSTMUnit) -> None:
        self._shape = spec.streams, spec.units
        self._cell = LSTMCell(1, *self._shape, spec.dtype)
        self._gates, self._dx = (np.empty((spec.streams, 4 * spec.units), spec.dtype) for _ in range(2))

    def forward(self, c_prev: Tensor, x: Tensor, cont: Tensor, c: Tensor, h: Tensor) -> None:
        cell = self._cell
        cell.c[0] = c_prev.peek().reshape(self._shape)
        self._gates[...] = x.peek().reshape(self._gates.shape)
        cell.activate(self._gates)
        cell.forward(0, self._gates, cont.peek().reshape(-1, 1), h.flat.reshape(self._shape))
        c.flat.reshape(self._shape)[...] = cell.c[1]

    def backward(
        self, c_prev: Tensor, dc: Tensor, dh: Tensor, dc_prev: Tensor | None, dx: Tensor | None
    ) -> None:
        cell = self._cell
        cell.dc[...] = dc.peek().reshape(self._shape)
        cell.slopes(0, self._gates[None], self._dx[None])
        cell.backward(0, self._gates, dh.peek().reshape(self._shape), self._dx)
        for target, gradient in ((dc_prev, cell.dc), (dx, self._dx)):
            if target is not None:
                target.flat.reshape(gradient.shape)[...] = gradient
