"""AdaGrad."""

from __future__ import annotations

from owlkit.solvers.rule import UpdateRule


class AdaGrad(UpdateRule):
    """h = h + g^2; step = rate * g / (sqrt(h) + delta).

    Source: Caffe's AdaGradSolver; Duchi, Hazan, Singer, Adaptive subgradient methods, JMLR 2011.
    """

    name = "AdaGrad"
    unused = ("momentum",)
