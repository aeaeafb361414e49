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
        self._to_c = np.empty((steps, streams, units), dtype)  # the gradient of c for one of h
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

    def slopes(self, start: int, gates: np.ndarray, dz: np.ndarray) -> None:
        """Put into dz, for the steps from `start` on, what each gate's gradient is multiplied by.

        gates, dz : (steps, N, 4 H). Several steps at once: a call of NumPy takes longer than a step's values.
        """
        steps, streams = gates.shape[:2]
        i, _, o, g = np.moveaxis(gates.reshape(steps, streams, 4, self._units), 2, 0)
        di, df, do, dg = np.moveaxis(dz.reshape(steps, streams, 4, self._units), 2, 0)
        here = slice(start, start + steps)
        tanh_c, to_c = self.tanh_c[here], self._to_c[here]
        np.multiply(tanh_c, tanh_c, out=to_c)
        np.subtract(1, to_c, out=to_c)
        to_c *= o
        sigmoids, slopes = gates[..., : 3 * self._units], dz[..., : 3 * self._units]
        np.subtract(1, sigmoids, out=slopes)
        slopes *= sigmoids
        di *= g
        df *= self.c[here]
        do *= tanh_c
        np.multiply(g, g, out=dg)
        np.subtract(1, dg, out=dg)
        dg *= i

    def backward(self, t: int, gates: np.ndarray, dh: np.ndarray, dz: np.ndarray) -> None:
        """Turn dz, (N, 4 H), from slopes into gradients, and `dc` from that of c[t + 1] into that of c[t]."""
        dc, spare, parts = self.dc, self._spare, dz.reshape(len(dz), 4, self._units)
        np.multiply(self._to_c[t], dh, out=spare)
        dc += spare
        parts[:, :2] *= dc[:, None]
        parts[:, 2] *= dh
        parts[:, 3] *= dc
        dc *= gates[:, self._units : 2 * self._units]

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

    def slopes(self, start: int, gates: np.ndarray, dz: np.ndarray) -> None:
        np.multiply(gates, gates, out=dz)
        np.subtract(1, dz, out=dz)

    def backward(self, t: int, gates: np.ndarray, dh: np.ndarray, dz: np.ndarray) -> None:
        dz *= dh

    def begin(self, start: tuple[np.ndarray, ...]) -> None:
        """There is no state but h."""

    def begin_backward(self) -> None:
        """There is no gradient to carry but dh."""

    def ending(self) -> tuple[np.ndarray, ...]:
        return ()


CELLS: dict[str, type[LSTMCell] | type[TanHCell]] = {"lstm": LSTMCell, "tanh": TanHCell}
