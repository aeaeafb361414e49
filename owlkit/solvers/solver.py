"""Solver: trains a net by an update rule, tests and takes snapshots at intervals, as a solver file says."""

from __future__ import annotations

import html
import logging
import math
import operator
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import numpy as np

from owlkit.core.conveniences import resolve
from owlkit.core.errors import NetError, TrainingError, closest
from owlkit.core.tracebacks import Shortened
from owlkit.proto.page import fields_page
from owlkit.solvers import nets, policies, snapshots
from owlkit.solvers.announcer import while_alive
from owlkit.solvers.building import build_nets, check_param, load_weights
from owlkit.solvers.definition import read_definition
from owlkit.solvers.iterating import Iterating
from owlkit.solvers.measuring import measure
from owlkit.solvers.rules import make_rule
from owlkit.solvers.signals import hold_interrupts

log = logging.getLogger("owlkit")


def checked_count(n: Any) -> int:
    """`n` as a number of iterations; TrainingError where it is no whole number."""
    try:
        return operator.index(n)
    except TypeError:
        raise TrainingError(f"step({n!r}): give a whole number of iterations") from None


class Solver(Iterating):
    """Training of one net.

    definition : path of a solver prototxt, SolverParameter, or a net (path, NetSpec, NetParameter) with the
        solver's fields as keywords: `Solver(n, test=n_test, base_lr=0.01, max_iter=2000, test_interval=200)`,
        `Solver("train_val.prototxt", base_lr=0.01, max_iter=2000)`. None where the fields name the net.
    test : net or list of nets to test with; or the path of an LMDB set, which the same net reads in tests,
        all of it and without mirroring. weights : caffemodel(s) to start from, a path or a list.
    device, dtype, seed : of all nets (see Net); the solver file's solver_mode and random_seed where they are
        None.
    fields : fields of SolverParameter; they win over those of a file. Where they are all that there is,
        lr_policy is "fixed", and a net whose BatchNorm layers have no statistics yet is not tested before the
        first iteration, unless test_initialization asks for it.

    param : SolverParameter. net, test_nets : Nets; test nets share the parameters of `net`.
    iter : updates done. history : the update rule's arrays, in Caffe's order. notices : remarks of building.
    Raises PrototxtError, NetError or TrainingError where the definition makes no sense.
    """

    def __init__(
        self,
        definition: Any = None,
        *,
        test: Any = None,
        weights: Any = None,
        device: Any = None,
        dtype: str = "float32",
        seed: int | None = None,
        **fields: Any,
    ) -> None:
        super().__init__()
        found = read_definition(definition, test, fields)
        self.param, self.notices = found.param, found.notes
        self._given: dict[str, Any] = {"seed": seed, "weights": weights}
        self.default_prefix, self._by_keywords = found.default_prefix, found.by_keywords
        check_param(self.param)
        with Shortened():
            self._build_nets(device, dtype, seed)
        self.iter = 0
        self.rule = make_rule(self.param, self.net)
        kept = [weakref.ref(tensor.memory) for slot in self.rule.histories for tensor in slot]
        self.net.graph.parameters.histories = kept  # what the net takes is counted with them
        self.abandon_test: Callable[[], bool] = lambda: False  # asked between the batches of a test
        self.in_use_by: Any = None  # the Run that trains with this solver now
        self._override: float | None = None
        self._losses: deque[float] = deque(maxlen=self.param.average_loss)
        for notice in self.notices:
            log.info(notice)
        given = list(self.param.weights) if weights is None else weights
        self.notices += load_weights(self.net, given)
        self._fresh = not given
        if self.param.snapshot > 0:  # last, because it makes a folder: what fails leaves none behind
            with suppress(NetError):  # too large to be trained: it can be looked at, its weights changed
                self.check_room()
                snapshots.check_prefix(self.prefix)
        self._sealed = True

    def __setattr__(self, name: str, value: Any) -> None:
        # `solver.base_lr = 0.001` set an attribute that nobody reads, and training went on as before.
        there = self.__dict__
        if name not in there and "_sealed" in there and not hasattr(self, name):
            own = type(self) is not Solver  # a class of the user's has what its author gives it
            if not own or name in self.param.DESCRIPTOR.fields_by_name:
                raise AttributeError(self._no_such(name))
        super().__setattr__(name, value)

    def _no_such(self, name: str) -> str:
        told = f"a Solver has no attribute {name!r}"
        if name == "base_lr":
            return f"{told}: solver.lr = ... (of a run, run.lr) sets the learning rate"
        if name in self.param.DESCRIPTOR.fields_by_name:
            run = "; of a run it is run.max_iter" if name == "max_iter" else ""
            return f"{told}, it is a field of its definition: give Solver(..., {name}=...){run}"
        return told + closest(name, [each for each in dir(self) if not each.startswith("_")])

    def _build_nets(self, device: Any, dtype: str, seed: int | None) -> None:
        built = build_nets(self.param, device, dtype, seed)
        self.net, self.test_nets, self.test_iterations = built.train, built.tests, built.iterations
        self.notices += built.notices
        for net in (self.net, *self.test_nets):
            for layer in net.layers:
                if hasattr(layer, "on_warning"):
                    layer.on_warning = partial(while_alive(self.warn_after), net.turns)

    # -- what one looks at
    @property
    def history(self) -> list[np.ndarray]:
        """The update rule's arrays in Caffe's order, views; one or two per parameter."""
        return self.rule.history

    @property
    def current_step(self) -> int:
        """Steps of the policy done, as Caffe stores it (counted when a rate was last computed)."""
        return policies.current_step(self.param, max(self.iter - 1, 0))

    @property
    def lr(self) -> float:
        """Learning rate of the next update. Setting it overrides the policy until it is set to None."""
        return self._override if self._override is not None else policies.learning_rate(self.param, self.iter)

    @lr.setter
    def lr(self, value: float | None) -> None:
        self._override = self.checked_lr(value)

    @property
    def smoothed_loss(self) -> float:
        """Mean of the last `average_loss` losses; NaN before the first."""
        return math.fsum(self._losses) / len(self._losses) if self._losses else math.nan

    # -- training
    def step(self, n: int = 1) -> None:
        """Do n updates, with tests and snapshots at their intervals.

        Ctrl-C takes effect between two iterations, so nothing is left half done; pressed twice, at once.
        Raises DivergedError, before the update, where the loss is not finite; TrainingError while a Run
        trains with this solver, or where a snapshot comes due that another process writes to.
        """
        self._check_free("step")
        after, every = self.iter + checked_count(n), self.param.snapshot
        due = every > 0 and after // every > self.iter // every
        with Shortened(), self.claim_snapshots() if due else nullcontext(), hold_interrupts() as held:
            self.advance(after - self.iter, interrupted=lambda: held.pending)

    def advance(self, n: int, *, more: bool = False, interrupted: Callable[[], bool] = lambda: False) -> None:
        """As `step`, for the Run that uses this solver, which sees to signals itself.

        more : another call follows, or `settle`; until then the last loss may be unread. interrupted : asked
        after each iteration whether it is to be the last.
        """
        try:
            self._iterate_until(n, interrupted, more)
        except Exception:
            self._let_go()
            self.settle()  # where an iteration before has diverged, that is what is to be told
            raise
        except BaseException:
            self._let_go()
            with suppress(Exception):  # whoever interrupts twice is not asked for patience
                self.settle()
            raise
        if not more:
            self.settle()

    def _iterate_until(self, n: int, interrupted: Callable[[], Any], more: bool) -> None:
        if n:
            self.check_room()
        if n and self.owes_snapshot:
            self.snapshot()
        if n and not self.iter:
            self._begin_line()
        for left in range(n, 0, -1):
            if self._test_is_due() and not self._test_all():
                return
            self._iterate_once(last=left == 1 and not more)
            if interrupted():
                return

    def _iterate_once(self, *, last: bool) -> None:
        """One iteration, with the snapshot that is due after it."""
        after = self.iter + 1
        snapshot_is_due = self.param.snapshot > 0 and after % self.param.snapshot == 0
        self._iterate(late=not (last or snapshot_is_due or self._test_is_due(after)))
        if snapshot_is_due:
            self.write_due_snapshot()

    def solve(self) -> None:
        """Train up to max_iter, with Caffe's last snapshot and test."""
        self._check_free("solve")
        if not self.param.HasField("max_iter"):
            raise TrainingError("the solver has no max_iter; set it, or use step(n)")
        with Shortened(), self.claim_snapshots():
            self.step(max(0, self.param.max_iter - self.iter))
            if self.iter >= self.param.max_iter:
                self.finish()

    def keep_to(self, thread: int | None) -> None:
        """Let only this thread run the nets, and write to what a GPU works on, their blobs, parameters and
        histories; None: any.

        Others, who look while training goes on, get copies to be read only. Inputs are theirs to write to. On
        a CPU everybody has the same arrays. Waits for passes that other threads have begun, unless for None.
        """
        nets.keep_to([self.net, *self.test_nets], self.rule.history_tensors, thread)

    def finish(self, *, interrupted: bool = False) -> None:
        """Caffe's end of a training: the last snapshot, and a test where one is due.

        Raises DivergedError before either where weights are no numbers.
        """
        p = self.param
        self.settle()
        self.check_weights()
        last = p.snapshot_after_train and not (p.snapshot > 0 and self.iter % p.snapshot == 0)
        if last or self.owes_snapshot:
            self.write_due_snapshot()
        if not interrupted and self._test_is_due():
            self._test_all()

    def train(self, name: str | None = None, **options: Any) -> Any:
        """A started Run of this solver (training goes on in the background); its monitor is shown."""
        return resolve("training:train")(self, name=name, **options)

    def apply_update(self) -> None:
        """One update by the gradients that the parameters' `diff` shows; it counts as an iteration.

        For loops of one's own: net.clear_param_diffs(), net.forward(), net.backward(), solver.apply_update().
        Raises TrainingError while a Run trains with this solver.
        """
        self._check_free("apply_update")
        if not self.iter:
            self._begin_line()
        with self.net.turns.taken():
            for parameter in self.net.learnable:
                parameter.blob.settle_diff()
            self._update(self.lr)
            self.iter += 1

    # -- tests
    def _test_is_due(self, at: int | None = None) -> bool:
        """Before iteration `at`, by default the next."""
        p, at = self.param, self.iter if at is None else at
        due = p.test_interval > 0 and at % p.test_interval == 0
        return due and bool(self.test_nets) and (at > 0 or self._tests_at_first())

    def _tests_at_first(self) -> bool:
        """Before the first iteration; not where a test would say nothing, unless a file or somebody asks for
        it: an untrained BatchNorm divides by almost 0, and all that a chart shows then is a huge loss."""
        if self._by_keywords and not self.param.HasField("test_initialization"):
            empty = (layer for layer in self.net.layers if layer.type == "BatchNorm")
            return all(layer.blobs[2].peek().any() for layer in empty)
        return bool(self.param.test_initialization)

    def _test_all(self) -> bool:
        """Whether all tests ran to their end."""
        indices = range(len(self.test_nets))
        return all(self._test(index, self.abandon_test) is not None for index in indices)

    def test(self, index: int = 0) -> dict[str, float]:
        """Outputs of test net `index`, means over its test_iter batches."""
        if not 0 <= index < len(self.test_nets):
            raise TrainingError(f"there is no test net {index}; the solver has {len(self.test_nets)}")
        self._check_free("test", unless=("paused",))
        with Shortened():
            return self._test(index, lambda: False) or {}

    def _test(self, index: int, abandon: Callable[[], bool]) -> dict[str, float] | None:
        return measure(self, index, abandon)

    def _repr_html_(self) -> str:
        """What it says of itself, its settings, and its net."""
        settings = fields_page(self.param).partition("</b>")[2]
        return f"<b>{html.escape(repr(self))}</b>{settings}{self.net._repr_html_()}"

    def __repr__(self) -> str:
        limit = f" of {self.param.max_iter}" if self.param.HasField("max_iter") else ""
        return (
            f"Solver({self.param.type}, net {self.net.name!r}, iteration {self.iter}{limit}, lr {self.lr:g})"
        )
