"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from owlkit.solvers.rule import UpdateRule


class SGD(UpdateRule):
    """history = momentum * history + rate * g; w = w - history, with g the regularised gradient.

    Source: Caffe's SGDSolver. The learning rate is inside the history, so that a change of the rate acts on
    new gradients only.
    """

    name = "SGD"
    rate_in_history = True
