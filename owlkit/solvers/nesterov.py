"""Nesterov's accelerated gradient."""

from __future__ import annotations

import numpy as np

from owlkit.solvers.rule import ChunkedRule


class Nesterov(ChunkedRule):
    """v = momentum * v' + rate * g; step = (1 + momentum) * v - momentum * v', with v' the former v.

    Source: Caffe's NesterovSolver; Sutskever et al., On the importance of initialization and momentum in
    deep learning, ICML 2013.
    """

    name = "Nesterov"
    rate_in_history = True

    def step(self, g: np.ndarray, history: list[np.ndarray], rate: float, iteration: int) -> np.ndarray:
        (v,), scalar = history, g.dtype.type
        momentum = scalar(self.param.momentum)
        former = momentum * v
        np.multiply(g, scalar(rate), out=v)
        v += former
        step = (1 + momentum) * v
        step -= former
        return step
