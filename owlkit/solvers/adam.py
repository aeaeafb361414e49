"""Adam."""

from __future__ import annotations

from owlkit.solvers.rule import UpdateRule


class Adam(UpdateRule):
    """m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g^2; step = rate * c * m / (sqrt(v) + delta).

    b1, b2 are the solver's momentum and momentum2, c = sqrt(1 - b2^t) / (1 - b1^t), t = iteration + 1.
    Source: Caffe's AdamSolver; Kingma and Ba, Adam, ICLR 2015 (the form at the end of its section 2).
    """

    name = "Adam"
    slots = 2
    shares = ("momentum", "momentum2")
    below_one = True  # the correction of the bias divides by 1 - momentum

    def rate(self, rate: float, iteration: int) -> float:
        t = iteration + 1
        correction: float = (1 - self.param.momentum2**t) ** 0.5 / (1 - self.param.momentum**t)
        return rate * correction
