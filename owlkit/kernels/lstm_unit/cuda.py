"""One step of an LSTM by the kernels of recurrent sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count
from owlkit.kernels.recurrent.cuda import compiled

if TYPE_CHECKING:
    from owlkit.kernels.lstm_unit import LSTMUnit


class LSTMUnitKernel:
    def __init__(self, device: GpuDevice, spec: LSTMUnit) -> None:
        gates = Descriptor((spec.streams, 4 * spec.units), spec.dtype)
        check_count(gates)
        found = compiled(device, spec.dtype, "lstm", "T")
        self._forward, self._backward = (
            found.function(f"recurrent_{name}") for name in ("forward", "backward")
        )
        self._gates, self._count, self._units = Tensor(gates), spec.streams * spec.units, spec.units

    def forward(self, c_prev: Tensor, x: Tensor, cont: Tensor, c: Tensor, h: Tensor) -> None:
        written = (self._gates, c, h)
        self._forward.each(self._count, x, cont, c_prev, *written, None, None, self._units)

    def backward(
        self, c_prev: Tensor, dc: Tensor, dh: Tensor, dc_prev: Tensor | None, dx: Tensor | None
    ) -> None:
        read = (self._gates, c_prev, dh, None, None, dc)
        self._backward.each(self._count, *read, dc_prev, dx, self._units)
