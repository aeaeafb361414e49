"""Nesterov's accelerated gradient."""

from __future__ import annotations

from owlkit.solvers.rule import UpdateRule


class Nesterov(UpdateRule):
    """v = momentum * v' + rate * g; step = (1 + momentum) * v - momentum * v', with v' the former v.

    Source: Caffe's NesterovSolver; Sutskever et al., On the importance of initialization and momentum in
    deep learning, ICML 2013.
    """

    name = "Nesterov"
    rate_in_history = True
