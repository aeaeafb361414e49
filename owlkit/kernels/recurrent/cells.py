"""The elementwise part of one step of a recurrent layer, in NumPy: 16 x 1000 values stay in the cache.

Each cell keeps what its backward pass needs, for all steps.
"""

from __future__ import annotations

from typing import ClassVar

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
        self.dc = np.zeros((streams, units), dtype)
        (
            self._new,
            self._kept,
            self.tanh_c,
            self._to_c,
        ) = (  # i g; f c; tanh(c'); the gradient of c' for one of h
            np.empty((steps, streams, units), dtype) for _ in range(4)
        )
        self._spare = np.empty((streams, units), dtype)

    def activate(self, z: np.ndarray) -> None:
        """The nonlinearities, in place on z, (N, 4 H). sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: no overflow."""
        sigmoids = z[:, : 3 * self._units]
        sigmoids *= 0.5
        np.tanh(z, out=z)
        sigmoids *= 0.5
        sigmoids += 0.5

    def forward(self, t: int, gates: np.ndarray, cont: np.ndarray | None, h: np.ndarray) -> None:
        """gates : (N, 4 H), activated. cont : (N, 1), None where all are 1. h : (N, H), written."""
        units, c, new, kept, tanh_c = self._units, self.c[t + 1], self._new[t], self._kept[t], self.tanh_c[t]
        f = gates[:, units : 2 * units]
        if cont is not None:
            f *= cont
        np.multiply(f, self.c[t], out=kept)
        np.multiply(gates[:, :units], gates[:, 3 * units :], out=new)
        np.add(kept, new, out=c)
        np.tanh(c, out=tanh_c)
        np.multiply(gates[:, 2 * units : 3 * units], tanh_c, out=h)

    def slopes(self, start: int, gates: np.ndarray, dz: np.ndarray) -> None:
        """Put into dz, for the steps from `start` on, what each gate's gradient is multiplied by.

        gates, dz : (steps, N, 4 H). Several steps at once: a call of NumPy takes longer than a step's values.
        Of i: g i (1 - i) = i g (1 - i), with i g from forward; f alike; of g: i (1 - g^2) = i - (i g) g.
        """
        steps, streams = gates.shape[:2]
        i, _, o, g = np.moveaxis(gates.reshape(steps, streams, 4, self._units), 2, 0)
        di, df, do, dg = np.moveaxis(dz.reshape(steps, streams, 4, self._units), 2, 0)
        here = slice(start, start + steps)
        tanh_c, to_c, new = self.tanh_c[here], self._to_c[here], self._new[here]
        np.subtract(1, gates[..., : 3 * self._units], out=dz[..., : 3 * self._units])
        di *= new
        df *= self._kept[here]
        np.multiply(o, tanh_c, out=to_c)
        do *= to_c
        to_c *= tanh_c
        np.subtract(o, to_c, out=to_c)  # o - o tanh(c')^2
        np.multiply(new, g, out=dg)
        np.subtract(i, dg, out=dg)

    def backward(self, t: int, gates: np.ndarray, dh: np.ndarray, dz: np.ndarray) -> None:
        """Turn dz, (N, 4 H), from slopes into gradients, and `dc` from that of c[t + 1] into that of c[t]."""
        dc, spare, units = self.dc, self._spare, self._units
        np.multiply(self._to_c[t], dh, out=spare)
        np.add(dc, spare, out=dc)
        for gate, factor in enumerate((dc, dc, dh, dc)):  # one call for i and f would be slower
            part = dz[:, gate * units : (gate + 1) * units]
            np.multiply(part, factor, out=part)
        np.multiply(dc, gates[:, units : 2 * units], out=dc)

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

    def forward(self, t: int, gates: np.ndarray, cont: np.ndarray | None, h: np.ndarray) -> None:
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
