"""The loop over the steps, shared by all implementations; they differ in the product of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.recurrent.cells import CELLS

if TYPE_CHECKING:
    from owlkit.kernels.recurrent import Recurrent

Calls = Sequence[Callable[[], None]]
_BLOCK = (
    1 << 17
)  # values of gates whose slopes are computed at once: with the rest they fit a second-level cache


class Loop:
    """Abstract: an implementation says how a step multiplies."""

    def __init__(self, spec: Recurrent) -> None:
        t, n, h = spec.steps, spec.streams, spec.units
        self.spec = spec
        self.cell = CELLS[spec.cell](t, n, h, spec.dtype)
        self.past = Tensor(Descriptor((t, n, h), spec.dtype))
        self._back = Tensor(Descriptor((n, h), spec.dtype))
        self._last = np.zeros((n, h), spec.dtype)
        self._dh = np.empty((n, h), spec.dtype)

    def _advances(self, z: Tensor, w: Tensor) -> Calls:
        """Per step t: z[t] += past[t] w^T, then the nonlinearities."""
        raise TypeError(f"{type(self).__name__} does not define _advances")

    def _retreats(self, dz: Tensor, w: Tensor) -> Calls:
        """Per step t: _back = dz[t] w."""
        raise TypeError(f"{type(self).__name__} does not define _retreats")

    def _per_step(self, z: Tensor) -> np.ndarray:
        """(T, N, G H)."""
        return z.array.reshape(self.spec.steps, self.spec.streams, self.spec.width)

    def forward(self, z: Tensor, w: Tensor, cont: Tensor, start: tuple[Tensor, ...], h: Tensor) -> None:
        spec, cell = self.spec, self.cell
        gates, conts = self._per_step(z), cont.array.reshape(spec.steps, spec.streams, 1)
        past, hidden = self.past.array, h.array
        advance = self._advances(z, w)
        cell.begin(tuple(state.array for state in start))
        before = start[0].array.reshape(spec.streams, spec.units)
        for t in range(spec.steps):
            np.multiply(before, conts[t], out=past[t])
            advance[t]()
            cell.forward(t, gates[t], conts[t], hidden[t])
            before = hidden[t]
        self._last[...] = before

    def backward(self, dh: Tensor, z: Tensor, w: Tensor, cont: Tensor, dz: Tensor) -> None:
        spec, cell = self.spec, self.cell
        gates, slopes = self._per_step(z), self._per_step(dz)
        conts = cont.array.reshape(spec.steps, spec.streams, 1)
        given, total, back = dh.array, self._dh, self._back.array
        retreat = self._retreats(dz, w)
        cell.begin_backward()
        total[...] = given[-1]
        at_once = max(1, _BLOCK // (spec.streams * spec.width))
        for t in reversed(range(spec.steps)):
            if t % at_once == at_once - 1 or t == spec.steps - 1:
                start = t - t % at_once
                cell.slopes(start, gates[start : t + 1], slopes[start : t + 1])
            cell.backward(t, gates[t], total, slopes[t])
            if t:
                retreat[t]()
                np.multiply(back, conts[t], out=total)
                total += given[t - 1]

    @property
    def ending(self) -> tuple[np.ndarray, ...]:
        """The state after the last step: h, and c of an LSTM; (N, H) each."""
        return self._last, *self.cell.ending()
