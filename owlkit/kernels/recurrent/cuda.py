"""Recurrent sequences on a GPU: per step a product and one kernel of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.driver import Matrix
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.cuda import check_count, program
from owlkit.kernels.cuda.program import Program
from owlkit.kernels.cuda.totals import accumulator

if TYPE_CHECKING:
    from owlkit.kernels.recurrent import Recurrent


def compiled(device: GpuDevice, dtype: str, cell: str, state_gradient: str) -> Program:
    """The kernels of a cell. state_gradient : "T" or "A"."""
    return program(device, "recurrent/recurrent.cu", dtype, LSTM=int(cell == "lstm"), STATE=state_gradient)


class RecurrentKernel:
    """c : (T + 1, N, H), the states of an LSTM, the first being the start."""

    def __init__(self, device: GpuDevice, spec: Recurrent) -> None:
        self._device, self._gpu, self._spec = device, device.gpu, spec
        t, n, h, dtype = spec.steps, spec.streams, spec.units, spec.dtype
        check_count(Descriptor((t, n, spec.width), dtype))
        found = compiled(device, dtype, spec.cell, "A")
        self._begin, self._forward, self._backward, self._end = (
            found.function(f"recurrent_{name}") for name in ("begin", "forward", "backward", "end")
        )
        self._lstm, self._values = spec.cell == "lstm", n * h
        self.past = Tensor(Descriptor((t, n, h), dtype))
        self._c = Tensor(Descriptor((t + 1, n, h), dtype)) if self._lstm else None
        self._back = Tensor(Descriptor((n, h), dtype))
        self._dc = Tensor(Descriptor((n, h), accumulator(dtype))) if self._lstm else None
        itemsize = np.dtype(dtype).itemsize
        self._hidden, self._wide, self._marks = (n * k * itemsize for k in (h, spec.width, 1))
        self.detail = "gemm"

    def _reads(self, tensor: Tensor) -> int:
        return self._gpu.pointer(tensor, reads=True, writes=False)

    def _writes(self, tensor: Tensor) -> int:
        return self._gpu.pointer(tensor, reads=False, writes=True)

    def forward(
        self,
        z: Tensor,
        w: Tensor,
        cont: Tensor,
        start: tuple[Tensor, ...],
        h: Tensor,
        ending: tuple[Tensor, ...],
    ) -> None:
        spec, count, units = self._spec, self._values, self._spec.units
        self._begin.each(count, start[0], start[1] if self._lstm else None, cont, self.past, self._c, units)
        weights, marks = Matrix(self._reads(w), units, turned=True), self._reads(cont)
        gates, past = (self._gpu.pointer(x, reads=True, writes=True) for x in (z, self.past))
        hidden = self._writes(h)
        c = None if self._c is None else self._gpu.pointer(self._c, reads=True, writes=True)
        shape = (spec.streams, spec.width, units)
        for t in range(spec.steps):
            here, mark = gates + t * self._wide, marks + t * self._marks
            product = Matrix(past + t * self._hidden, units), weights, Matrix(here, spec.width)
            self._multiply(shape, *product, 1.0)
            after = [mark + self._marks, past + (t + 1) * self._hidden] if t + 1 < spec.steps else [None] * 2
            states = self._state(c, t), here, self._state(c, t + 1)
            self._forward.each(count, here, mark, *states, hidden + t * self._hidden, *after, units)
        last = hidden + (spec.steps - 1) * self._hidden
        ends = ending[0], ending[1] if self._lstm else None
        self._end.each(count, last, self._state(c, spec.steps), *ends)

    def _state(self, c: int | None, t: int) -> int | None:
        """Where the state before step t lies."""
        return None if c is None else c + t * self._hidden

    def _multiply(
        self, shape: tuple[int, int, int], a: Matrix, b: Matrix, c: Matrix, beta: float = 0.0
    ) -> None:
        self._gpu.driver.gemm(shape, a, b, c, dtype=self._spec.dtype, beta=beta, tf32=self._device.tf32)

    def backward(self, dh: Tensor, z: Tensor, w: Tensor, cont: Tensor, dz: Tensor) -> None:
        spec, units = self._spec, self._spec.units
        weights, marks = Matrix(self._reads(w), units), self._reads(cont)
        gates, given = self._reads(z), self._reads(dh)
        c = None if self._c is None else self._reads(self._c)
        dc = None if self._dc is None else self._writes(self._dc)
        slopes, back = self._writes(dz), self._writes(self._back)
        shape = (spec.streams, units, spec.width)
        for t in reversed(range(spec.steps)):
            last, target = t + 1 == spec.steps, slopes + t * self._wide
            after = (None, None, None) if last else (back, marks + (t + 1) * self._marks, dc)
            before = gates + t * self._wide, self._state(c, t), given + t * self._hidden
            self._backward.each(self._values, *before, *after, dc, target, units)
            if t:
                product = Matrix(target, spec.width), weights, Matrix(back, units)
                self._multiply(shape, *product)
