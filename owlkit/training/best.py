"""The weights that did best in the tests of a run, and when to stop for want of better ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from owlkit.core import events
from owlkit.core.errors import TrainingError, closest
from owlkit.solvers.kept import find_kept, write_kept
from owlkit.solvers.testing import flat_names


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

    output : of that net, "name[2]" of a vector; a loss is the better the lower it is, anything else the
    higher. patience : tests without a better one after which `give_up` is called; None never gives up.
    best : the one whose weights are on disk. Beside them lies `<model>.owl`, which says how good they were:
    a training that goes on in another process does not write over them what is worse.
    Raises TrainingError where the solver has no test net, or that no such output.
    """

    def __init__(
        self, solver: Any, output: str, patience: int | None, give_up: Callable[[str], None]
    ) -> None:
        _check_tested(solver, output)
        if patience is not None and patience < 1:
            raise TrainingError(f"patience={patience}: give a number of tests, at least 1")
        self.best: Best | None = None
        self._solver, self._output, self._patience, self._give_up = solver, output, patience, give_up
        self._sign = -1.0 if _is_loss(solver.test_nets[0], output) else 1.0
        self._seen: tuple[int, float] | None = None  # iteration and value of the best, written or not
        self._tested: int | None = None  # iteration of the last test
        self._since = 0

    def begin(self) -> None:
        """A training begins, or goes on: it is given as many tests again."""
        self._since = 0
        if self.best is None:
            self.best = self._left_behind()
            self._seen = (self.best.iter, self.best.value) if self.best is not None else None

    def go_back(self) -> None:
        """An earlier snapshot was put back. The best so far stays the best."""
        self._since, self._tested = 0, None

    def see(self, event: events.TestDone) -> None:
        """Called by the thread that trains, with the weights as they were tested.

        Raises OwlkitError where they cannot be written.
        """
        if event.net_index != 0:
            return
        value = event.outputs[self._output]
        again, self._tested = event.iter == self._tested, event.iter
        if self._is_better(value, self._seen[1] if self._seen is not None else None):
            self._seen, self._since = (event.iter, value), 0
        elif not again:  # a second test of the same weights says nothing new
            self._since += 1
            self._judge()
        if self._is_better(value, self.best.value if self.best is not None else None):
            self._write(event.iter, value)

    def _judge(self) -> None:
        if self._patience is None or self._since < self._patience:
            return
        than = "as none was a number"
        if self._seen is not None:
            than = f"than {self._seen[1]:.4g} at iteration {self._seen[0]}"
        tests, self._since = self._since, 0
        self._give_up(f"no better {self._output} in {tests} test{'s' if tests > 1 else ''} {than}")

    def _is_better(self, value: float, than: float | None) -> bool:
        if math.isnan(value):
            return False
        return than is None or self._sign * value > self._sign * than

    # -- on disk
    @property
    def _path(self) -> Path:
        return Path(f"{self._solver.prefix}_best.caffemodel")

    def _write(self, at: int, value: float) -> None:
        path = self._path
        write_kept(self._solver, path, {"output": self._output, "value": value})
        self.best = Best(at, self._output, value, path)

    def _left_behind(self) -> Best | None:
        """The best of what led to the present weights, by another run; None for a training that begins."""
        iteration, note = find_kept(self._solver, self._path) or (0, {})
        value = note.get("value")
        if note.get("output") != self._output or not isinstance(value, float):
            return None
        return Best(iteration, self._output, value, self._path)


def _check_tested(solver: Any, output: str) -> None:
    if not solver.test_nets:
        raise TrainingError(
            f"keep_best={output!r}: the solver has no test net; give it one, test= and test_interval="
        )
    net = solver.test_nets[0]
    names = [one for name in net.outputs for one in flat_names(name, net.blobs[name].shape)]
    if output not in names:
        raise TrainingError(
            f"keep_best={output!r}: test net {net.name!r} has no such output"
            f"{closest(output, names) or ', only ' + ', '.join(names)}"
        )


def _is_loss(net: Any, output: str) -> bool:
    """Whether a layer of the net counts this top as a loss, or is one that the net does not count."""
    name = output.partition("[")[0] if output not in net.outputs else output
    for node in net.graph.nodes:
        if name in node.top_names:
            index = node.top_names.index(name)
            counted = list(node.layer.loss_weights)[index : index + 1]
            if any(counted) or node.layer.type.endswith("Loss"):
                return True
    return False
