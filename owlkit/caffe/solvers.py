"""pycaffe's solvers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from owlkit.caffe import alias, logs, mode
from owlkit.caffe.files import existing
from owlkit.caffe.net import Net
from owlkit.solvers import Solver as CoreSolver
from owlkit.solvers.definition import read_definition


class Solver:
    """Training as a solver file says, by pycaffe's interface. Made by its subclasses and `get_solver`.

    net : the Net that is trained. test_nets : Nets that share its parameters. iter : updates done.
    param : SolverParameter; base_lr and the like may be set between steps. lr : rate of the next update.
    """

    #: The type of update, whatever the file says; None takes the file's.
    _type: str | None = None

    def __init__(self, solver_file: Any) -> None:
        """solver_file : path of a solver prototxt (also a SolverParameter).

        Raises DataError (a RuntimeError too) where it is missing, otherwise as owlkit.Solver.
        """
        options = {"type": self._type} if self._type else {}
        # The file's own seed wins over set_random_seed, which was called before the file is read.
        seed = None if _read(existing(solver_file)).random_seed >= 0 else mode.next_seed()
        with alias.offered():
            self._solver = CoreSolver(solver_file, device=mode.device(), seed=seed, **options)
        self._solver.add_listener(logs.Teller(self._solver), at_rest=lambda: False)
        self.net = Net.of_solver(self._solver.net)
        self.test_nets = [Net.of_solver(net) for net in self._solver.test_nets]

    @property
    def iter(self) -> int:
        return self._solver.iter

    @property
    def param(self) -> Any:
        return self._solver.param

    @property
    def lr(self) -> float:
        return self._solver.lr

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Arrays that users hold are read before and brought up to date after."""
        with ExitStack() as stack:
            for net in (self.net, *self.test_nets):
                stack.enter_context(net._arrays.passed_on())
            yield

    # -- training
    def step(self, iters: int) -> None:
        """Do `iters` updates, with tests and snapshots at their intervals.

        The parameters' `diff` then holds what the last update subtracted, as in Caffe. Raises DivergedError,
        before the update, where the loss is not finite.
        """
        with self._running():
            self._step_but_one(iters)
            with self._leaving_update():
                self._solver.step(min(iters, 1))

    def _step_but_one(self, iters: int) -> None:
        if iters > 1:
            self._solver.step(iters - 1)

    @contextmanager
    def _leaving_update(self) -> Iterator[None]:
        """Only an update that somebody can see the end of need be left in the gradients."""
        rule = self._solver.rule
        rule.leaves_update = True
        try:
            yield
        finally:
            rule.leaves_update = False

    def solve(self, resume_file: str | Path | None = None) -> None:
        """Train up to max_iter, from a snapshot's state where that is given."""
        if resume_file is not None:
            self.restore(resume_file)
        logs.tell_start(self._solver.net.name, self.param.lr_policy)
        with self._running():
            self._step_but_one(self.param.max_iter - self.iter)
            with self._leaving_update():
                self._solver.solve()
        logs.tell_end()

    def apply_update(self) -> None:
        """One update by the gradients that `net.params` hold; it counts as an iteration.

        `diff` then holds what was subtracted.
        """
        with self._leaving_update():
            self._solver.apply_update()

    def add_callback(self, on_start: Callable[[], Any], on_gradients_ready: Callable[[], Any]) -> None:
        """Call `on_start()` before the passes of each iteration, `on_gradients_ready()` before its update."""
        self._solver.add_callback(self._shown(on_start), self._shown(on_gradients_ready))

    def _shown(self, function: Callable[[], Any]) -> Callable[[], None]:
        tables = [net._arrays for net in (self.net, *self.test_nets)]

        def call() -> None:
            with ExitStack() as stack:
                for arrays in tables:
                    stack.enter_context(arrays.shown())
                function()

        return call

    # -- snapshots
    def snapshot(self) -> None:
        """Write weights and state as `<snapshot_prefix>_iter_N.caffemodel` and `.solverstate`."""
        self._solver.snapshot()

    def restore(self, state_file: str | Path) -> None:
        """Go on from a `.solverstate`; its weights are beside it. Raises as owlkit.Solver.restore."""
        with self._running():
            self._solver.restore(existing(state_file))

    def share_weights(self, net: Net) -> None:
        """Let another net use the parameters of the trained one."""
        net.share_with(self.net)

    def __repr__(self) -> str:
        return f"caffe.{self._solver!r}"


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum, whatever type the file names."""

    _type = "SGD"


class NesterovSolver(SGDSolver):
    """Nesterov's accelerated gradient."""

    _type = "Nesterov"


class AdaGradSolver(SGDSolver):
    """AdaGrad."""

    _type = "AdaGrad"


class RMSPropSolver(SGDSolver):
    """RMSProp."""

    _type = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    """AdaDelta."""

    _type = "AdaDelta"


class AdamSolver(SGDSolver):
    """Adam."""

    _type = "Adam"


_KINDS = (SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver, AdamSolver)


def get_solver(solver_file: Any) -> Solver:
    """The solver of the type that the file names. Raises as Solver; TrainingError for an unknown type."""
    kinds = {kind._type: kind for kind in _KINDS}
    return kinds.get(_read(existing(solver_file)).type, Solver)(solver_file)


def _read(solver_file: Any) -> Any:
    """The SolverParameter of a file, or the one that is given."""
    return read_definition(solver_file, None, {}).param
