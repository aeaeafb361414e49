"""AdaGrad."""

from __future__ import annotations

import numpy as np

from owlkit.solvers.rule import ChunkedRule


class AdaGrad(ChunkedRule):
    """h = h + g^2; step = rate * g / (sqrt(h) + delta).

    Source: Caffe's AdaGradSolver; Duchi, Hazan, Singer, Adaptive subgradient methods, JMLR 2011.
    """

    name = "AdaGrad"
    unused = ("momentum",)

    def step(self, g: np.ndarray, history: list[np.ndarray], rate: float, iteration: int) -> np.ndarray:
        (h,), scalar = history, g.dtype.type
        h += g * g
        return scalar(rate) * g / (np.sqrt(h) + scalar(self.param.delta))
