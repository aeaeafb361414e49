"""AdaDelta."""

from __future__ import annotations

from owlkit.solvers.rule import UpdateRule


class AdaDelta(UpdateRule):
    """h = m * h + (1 - m) * g^2; s = g * sqrt((u + delta) / (h + delta)); u = m * u + (1 - m) * s^2.

    The step is rate * s; m is the solver's momentum.
    Source: Caffe's AdaDeltaSolver; Zeiler, ADADELTA, arXiv:1212.5701.
    """

    name = "AdaDelta"
    slots = 2
    shares = ("momentum",)
