"""RMSProp."""

from __future__ import annotations

from owlkit.solvers.rule import UpdateRule


class RMSProp(UpdateRule):
    """h = rms_decay * h + (1 - rms_decay) * g^2; step = rate * g / (sqrt(h) + delta).

    Source: Caffe's RMSPropSolver; Tieleman and Hinton, Lecture 6.5, Coursera 2012.
    """

    name = "RMSProp"
    unused = ("momentum",)
    shares = ("rms_decay",)
