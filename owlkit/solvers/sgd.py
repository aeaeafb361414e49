"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from owlkit.kernels.update import make_sgd
from owlkit.solvers.rule import UpdateRule, add_decay, chunks


class SGD(UpdateRule):
    """history = momentum * history + rate * g; w = w - history, with g the regularised gradient.

    Source: Caffe's SGDSolver. The learning rate is inside the history, so that a change of the rate acts on
    new gradients only.
    """

    name = "SGD"
    rate_in_history = True

    def __init__(self, param: Any, net: Any) -> None:
        super().__init__(param, net)
        momentum = param.momentum
        self._kernels = [make_sgd(net.device, g.data.descriptor, momentum) for g in self.groups]

    def update(self, index: int, group: Any, rate: float, scale: float, decay: float, iteration: int) -> None:
        history = self.histories[0][index]
        if self.param.regularization_type == "L1" and decay:
            # The kernel knows L2 only; it multiplies by `scale` again, hence the quotient.
            for part in chunks(group.data.flat.size):
                add_decay(self.param, group.data.flat[part], group.diff.flat[part], decay / scale)
            decay = 0.0
        # scale * g + decay * w = scale * (g + decay / scale * w): no pass over the gradients for the factor
        self._kernels[index](group.data, group.diff, history, rate * scale, decay / scale)
        if self.leaves_update:
            group.diff.flat[...] = history.flat
