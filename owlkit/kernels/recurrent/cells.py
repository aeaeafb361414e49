"""The elementwise part of one step of a recurrent layer, in NumPy: 16 x 1000 values stay in the cache.

Each cell keeps what its backward pass needs, for all steps.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np


class LSTMCell:
    """c' = f c + i g, h = o tanh(c'), with z in the order i, f, o, g: sigmoids, and tanh for g.

    Where a sequence begins (cont 0) f is 0, as in Caffe: f <- cont f.
    c : (T + 1, N, H), c[0] being the start. dc : (N, H), the gradient of the newest c that is still needed.
    """

    gates: ClassVar[int] = 4

    def __init__(self, steps: int, streams: int, units: int, dtype: str) -> None:
        self._units = units
        self.c = np.zeros((steps + 1, streams, units), dtype)
        self.tanh_c = np.empty((steps, streams, units), dtype)
        self.dc = np.zeros((streams, units), dtype)
        self._spare = np.empty((streams, units), dtype)

    def activate(self, z: np.ndarray) -> None:
        """The nonlinearities, in place on z, (N, 4 H). sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: no overflow."""
        sigmoids = z[:, : 3 * self._units]
        sigmoids *= 0.5
        np.tanh(z, out=z)
        sigmoids *= 0.5
        sigmoids += 0.5

    def _split(self, z: np.ndarray) -> Any:
        """(4, N, H) view of (N, 4 H)."""
        return z.reshape(len(z), 4, self._units).swapaxes(0, 1)

    def forward(self, t: int, gates: np.ndarray, cont: np.ndarray, h: np.ndarray) -> None:
        """gates : (N, 4 H), activated. cont : (N, 1). h : (N, H), written."""
        i, f, o, g = self._split(gates)
        c, spare, tanh_c = self.c[t + 1], self._spare, self.tanh_c[t]
        f *= cont
        np.multiply(f, self.c[t], out=c)
        np.multiply(i, g, out=spare)
        c += spare
        np.tanh(c, out=tanh_c)
        np.multiply(o, tanh_c, out=h)

    def backward(self, t: int, gates: np.ndarray, dh: np.ndarray, dz: np.ndarray) -> None:
        """Write dz, (N, 4 H); turn `dc` from the gradient of c[t + 1] into that of c[t]."""
        i, f, o, g = self._split(gates)
        di, df, do, dg = self._split(dz)
        dc, spare, tanh_c = self.dc, self._spare, self.tanh_c[t]
        np.multiply(tanh_c, tanh_c, out=spare)
        np.subtract(1, spare, out=spare)
        spare *= o
        spare *= dh
        dc += spare
        sigmoids, slopes = gates[:, : 3 * self._units], dz[:, : 3 * self._units]
        np.subtract(1, sigmoids, out=slopes)
        slopes *= sigmoids
        do *= tanh_c
        do *= dh
        di *= g
        di *= dc
        df *= self.c[t]
        df *= dc
        np.multiply(g, g, out=dg)
        np.subtract(1, dg, out=dg)
        dg *= i
        dg *= dc
        dc *= f

    def begin(self, start: tuple[np.ndarray, ...]) -> None:
        self.c[0] = start[1].reshape(self.dc.shape)

    def begin_backward(self) -> None:
        self.dc[...] = 0

    def ending(self) -> tuple[np.ndarray, ...]:
        return (self.c[-1],)


class TanHCell:
    """h = tanh(z)."""

    gates: ClassVar[int] = 1

    def __init__(self, steps: int, streams: int, units: int, dtype: str) -> None:
        """Nothing is kept: the slope follows from the gate."""

    def activate(self, z: np.ndarray) -> None:
        np.tanh(z, out=z)

    def forward(self, t: int, gates: np.ndarray, cont: np.ndarray, h: np.ndarray) -> None:
        h[...] = gates

    def backward(self, t: int, gates: np.ndarray, dh: np.ndarray, dz: np.ndarray) -> None:
        np.multiply(gates, gates, out=dz)
        np.subtract(1, dz, out=dz)
        dz *= dh

    def begin(self, start: tuple[np.ndarray, ...]) -> None:
        """There is no state but h."""

    def begin_backward(self) -> None:
        """There is no gradient to carry but dh."""

    def ending(self) -> tuple[np.ndarray, ...]:
        return ()


CELLS: dict[str, type[LSTMCell] | type[TanHCell]] = {"lstm": LSTMCell, "tanh": TanHCell}
