"""AdaDelta."""

from __future__ import annotations

import numpy as np

from owlkit.solvers.rule import ChunkedRule


class AdaDelta(ChunkedRule):
    """h = m * h + (1 - m) * g^2; s = g * sqrt((u + delta) / (h + delta)); u = m * u + (1 - m) * s^2.

    The step is rate * s; m is the solver's momentum.
    Source: Caffe's AdaDeltaSolver; Zeiler, ADADELTA, arXiv:1212.5701.
    """

    name = "AdaDelta"
    slots = 2

    def step(self, g: np.ndarray, history: list[np.ndarray], rate: float, iteration: int) -> np.ndarray:
        (h, u), scalar = history, g.dtype.type
        m, delta = scalar(self.param.momentum), scalar(self.param.delta)
        h *= m
        h += (1 - m) * g * g
        s = g * np.sqrt((u + delta) / (h + delta))
        u *= m
        u += (1 - m) * s * s
        s *= scalar(rate)
        return s
