"""The weights that did best in the tests of a run, and when to stop for want of better ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from owlkit.core import events
from owlkit.core.errors import TrainingError, closest


@dataclass(frozen=True)
class Best:
    """The best test so far: `output` was `value` after `iter` updates; `model` has the weights of then."""

    iter: int
    output: str
    value: float
    model: Path

    def __repr__(self) -> str:
        return f"Best({self.output} {self.value:.4g} at iteration {self.iter}: {self.model})"


class BestKeeper:
    """Looks at every test of the first test net, and writes the weights where it is the best so far.

    output : of that net; a loss is the better the lower it is, anything else the higher. patience : tests
    without a better one after which `give_up` is called; None never gives up.
    Raises TrainingError where the solver does not test, or has no such output.
    """

    def __init__(
        self, solver: Any, output: str, patience: int | None, give_up: Callable[[str], None]
    ) -> None:
        if not solver.test_nets:
            raise TrainingError(
                f"keep_best={output!r}: the solver has no test net; give it one, test= and test_interval="
            )
        net = solver.test_nets[0]
        if output not in net.outputs:
            raise TrainingError(
                f"keep_best={output!r}: test net {net.name!r} has no such output"
                f"{closest(output, net.outputs) or ', only ' + ', '.join(net.outputs)}"
            )
        if patience is not None and patience < 1:
            raise TrainingError(f"patience={patience}: give a number of tests, at least 1")
        self.best: Best | None = None
        self._solver, self._output, self._patience, self._give_up = solver, output, patience, give_up
        self._sign = -1.0 if _is_loss(net, output) else 1.0
        self._since = 0

    def see(self, event: events.TestDone) -> None:
        """Called by the thread that trains, with the weights as they were tested.

        Raises OwlkitError where they cannot be written.
        """
        if event.net_index != 0:
            return
        value = event.outputs[self._output]
        if self._is_better(value):
            self._since = 0
            path = Path(f"{self._solver.prefix}_best.caffemodel")
            path.absolute().parent.mkdir(parents=True, exist_ok=True)
            self._solver.net.save(path)
            self.best = Best(event.iter, self._output, value, path)
            return
        self._since += 1
        if self._patience is not None and self._since >= self._patience and self.best is not None:
            tests, self._since = self._since, 0  # who resumes is given as many again
            self._give_up(
                f"no better {self._output} in {tests} tests than {self.best.value:.4g} at iteration "
                f"{self.best.iter}"
            )

    def _is_better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        return self.best is None or self._sign * value > self._sign * self.best.value


def _is_loss(net: Any, output: str) -> bool:
    """Whether a layer of the net counts this top as a loss."""
    for node in net.graph.nodes:
        weights = list(node.layer.loss_weights)
        for index, name in enumerate(node.top_names):
            if name == output and index < len(weights) and weights[index]:
                return True
    return False
