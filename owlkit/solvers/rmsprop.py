"""RMSProp."""

from __future__ import annotations

import numpy as np

from owlkit.solvers.rule import ChunkedRule


class RMSProp(ChunkedRule):
    """h = rms_decay * h + (1 - rms_decay) * g^2; step = rate * g / (sqrt(h) + delta).

    Source: Caffe's RMSPropSolver; Tieleman and Hinton, Lecture 6.5, Coursera 2012.
    """

    name = "RMSProp"
    unused = ("momentum",)

    def step(self, g: np.ndarray, history: list[np.ndarray], rate: float, iteration: int) -> np.ndarray:
        (h,), scalar = history, g.dtype.type
        h *= scalar(self.param.rms_decay)
        h += scalar(1 - self.param.rms_decay) * g * g
        return scalar(rate) * g / (np.sqrt(h) + scalar(self.param.delta))
