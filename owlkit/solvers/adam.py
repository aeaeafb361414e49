"""Adam."""

from __future__ import annotations

import numpy as np

from owlkit.solvers.rule import ChunkedRule


class Adam(ChunkedRule):
    """m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g^2; step = rate * c * m / (sqrt(v) + delta).

    b1, b2 are the solver's momentum and momentum2, c = sqrt(1 - b2^t) / (1 - b1^t), t = iteration + 1.
    Source: Caffe's AdamSolver; Kingma and Ba, Adam, ICLR 2015 (the form at the end of its section 2).
    """

    name = "Adam"
    slots = 2

    def step(self, g: np.ndarray, history: list[np.ndarray], rate: float, iteration: int) -> np.ndarray:
        (m, v), scalar = history, g.dtype.type
        b1, b2, t = self.param.momentum, self.param.momentum2, iteration + 1
        m *= scalar(b1)
        m += scalar(1 - b1) * g
        v *= scalar(b2)
        v += scalar(1 - b2) * g * g
        correction = (1 - b2**t) ** 0.5 / (1 - b1**t)
        return scalar(rate * correction) * m / (np.sqrt(v) + scalar(self.param.delta))
