"""The loop over the steps, shared by all implementations; they differ in the product of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import threads
from owlkit.kernels.recurrent.cells import CELLS

if TYPE_CHECKING:
    from owlkit.kernels.recurrent import Recurrent

Calls = Sequence[Callable[[], None]]
# Values of gates whose slopes are computed at once: with the rest they fit a second-level cache.
_BLOCK = 1 << 17


class Loop:
    """Abstract: an implementation says how a step multiplies."""

    def __init__(self, spec: Recurrent) -> None:
        t, n, h = spec.steps, spec.streams, spec.units
        self.spec = spec
        self.cell = CELLS[spec.cell](t, n, h, spec.dtype)
        self.past = Tensor(Descriptor((t, n, h), spec.dtype))
        self._back = Tensor(Descriptor((n, h), spec.dtype))
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

    def forward(
        self,
        z: Tensor,
        w: Tensor,
        cont: Tensor,
        start: tuple[Tensor, ...],
        h: Tensor,
        ending: tuple[Tensor, ...],
    ) -> None:
        spec, cell = self.spec, self.cell
        gates, conts = self._per_step(z), self._continued(cont)
        past, hidden = self.past.array, h.array
        advance = self._advances(z, w)
        cell.begin(tuple(state.array for state in start))
        before = start[0].array.reshape(spec.streams, spec.units)
        for t in range(spec.steps):
            _scaled(before, conts[t], past[t])
            advance[t]()
            cell.forward(t, gates[t], conts[t], hidden[t])
            before = hidden[t]
        for target, state in zip(ending, (before, *cell.ending()), strict=True):
            target.array[...] = state.reshape(target.shape)

    def backward(self, dh: Tensor, z: Tensor, w: Tensor, cont: Tensor, dz: Tensor) -> None:
        spec, cell = self.spec, self.cell
        gates, slopes, conts = self._per_step(z), self._per_step(dz), self._continued(cont)
        given, total, back = dh.array, self._dh, self._back.array
        retreat = self._retreats(dz, w)
        self._fill_slopes(gates, slopes)
        cell.begin_backward()
        total[...] = given[-1]
        for t in reversed(range(spec.steps)):
            cell.backward(t, gates[t], total, slopes[t])
            if t:
                retreat[t]()
                factor = conts[t]
                if factor is not None:
                    np.multiply(back, factor, out=back)
                np.add(back, given[t - 1], out=total)

    def _fill_slopes(self, gates: np.ndarray, slopes: np.ndarray) -> None:
        """Before the steps one by one, all steps' slopes: blocks of steps, in several threads."""
        at_once = max(1, _BLOCK // (self.spec.streams * self.spec.width))

        def fill(first: int, end: int) -> None:
            for start in range(first, end, at_once):
                stop = min(start + at_once, end)
                self.cell.slopes(start, gates[start:stop], slopes[start:stop])

        threads.share(self.spec.steps, 3 * gates.size, fill)

    def _continued(self, cont: Tensor) -> list[np.ndarray | None]:
        """Per step the markers, (N, 1); None where all of them are 1, as at most steps of most data."""
        conts = cont.array.reshape(self.spec.steps, self.spec.streams, 1)
        whole = (conts == 1).all(axis=(1, 2)).tolist()
        return [None if same else step for same, step in zip(whole, conts, strict=True)]


def _scaled(x: np.ndarray, factor: np.ndarray | None, out: np.ndarray) -> None:
    """out = x * factor; None is 1."""
    if factor is None:
        np.copyto(out, x)
    else:
        np.multiply(x, factor, out=out)
