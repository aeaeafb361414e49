"""Run: a training that can be watched and controlled while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from owlkit.core import events, frontends
from owlkit.core.errors import TrainingError, closest
from owlkit.solvers import Solver
from owlkit.training.best import Best, BestKeeper
from owlkit.training.controls import Controls
from owlkit.training.registry import enrol, find_all
from owlkit.training.showing import show
from owlkit.training.signals import check_effect
from owlkit.training.subscriptions import EVERY, Subscription


class Run(Controls):
    """A training of `solver`, in a thread of its own (`start`) or in the caller's (`run`).

    Controls are requests that are served between two iterations, or between two batches of a test. Called
    from code, `pause`, `resume`, `step` and `snapshot` return when they have taken effect, so that what
    follows may look at the net; with source="button" (a front end) they return at once. In the midst of a
    pass of the net, for which training would wait, they raise TrainingError.

    name : for monitors, and the prefix of snapshots where the solver has none. number : in this process.
    sigint_effect, sighup_effect : of the signals during `run`: "stop" (with a snapshot), "snapshot", "none".
    save_on_failure : whether an error that leaves the weights whole, such as a damaged record, ends the
        training with a snapshot.
    keep_best : an output of the first test net, such as "accuracy". After a test in which it was the best so
        far (a loss lowest, anything else highest) the weights are written to `<prefix>_best.caffemodel`, and
        `best` says when that was. Who goes on from a snapshot, in another process too, does not write over
        them what is worse. patience : after so many tests without a better one the training stops.
    state : "ready", "running", "paused", "stopped", "finished", "failed" or "diverged".
    error : what ended the training, where it failed or diverged. history : a History.
    """

    frontend_kind = "run"

    def __init__(
        self,
        solver: Solver,
        name: str | None = None,
        *,
        sigint_effect: str = "stop",
        sighup_effect: str = "snapshot",
        save_on_failure: bool = False,
        keep_best: str | None = None,
        patience: int | None = None,
    ) -> None:
        super().__init__(solver, name or solver.net.name or "training")
        self.save_on_failure = save_on_failure
        if keep_best is not None:
            self._keeper = BestKeeper(solver, keep_best, patience, self._give_up)
        elif patience is not None:
            raise TrainingError(f"patience={patience}: say of what, such as keep_best='accuracy'")
        self.number = enrol(self)
        if name is not None and not solver.param.snapshot_prefix:
            solver.default_prefix = name
        self.sigint_effect, self.sighup_effect = check_effect(sigint_effect), check_effect(sighup_effect)
        self._sealed = True

    def __setattr__(self, name: str, value: Any) -> None:
        # A misspelt control must not pass for one.
        if "_sealed" in self.__dict__ and not hasattr(self, name):
            known = [each for each in dir(self) if not each.startswith("_")]
            raise AttributeError(f"a Run has no attribute {name!r}{closest(name, known)}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or hasattr(type(self), name):
            return object.__getattribute__(self, name)  # its own error
        known = [each for each in dir(self) if not each.startswith("_")]
        raise AttributeError(f"a Run has no attribute {name!r}{closest(name, known)}")

    # -- what one looks at
    @property
    def net(self) -> Any:
        """The net in training; look at it while training is paused, or at its weights in `net.at_rest()`.

        `net.save` and all that exports it do so by themselves. On a GPU other threads get copies, to be read
        only, until it pauses: of all but the inputs.
        """
        return self.solver.net

    @property
    def best(self) -> Best | None:
        """The best test so far, with the file of its weights, where `keep_best` was asked for; else None."""
        return self._keeper.best if self._keeper is not None else None

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time to max_iter, tests included; None before the 20th iteration."""
        done = self.iter - self._first_iter
        if self.max_iter is None or done < 20:
            return None
        return max(0, self.max_iter - self.iter) * self.seconds / done

    def subscribe(
        self,
        listener: events.Listener,
        every: float | Callable[[], float] = EVERY,
        after: Callable[[], object] | None = None,
    ) -> Callable[[], None]:
        """Have `listener(event)` called in a thread of its own; returns a function that ends it.

        every : seconds between deliveries of iterations at least, or a function that tells them after each;
            all that came meanwhile are delivered then, one after the other. 0 wakes the listener in each
            iteration, which costs a small net several per cent of its time. Other events come at once.
        after : called without arguments in that thread after each delivery.
        """
        subscription = Subscription(listener, every, after)
        self._subscriptions.append(subscription)

        def unsubscribe() -> None:
            subscription.end()
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

        return unsubscribe

    def monitor(self, compare: Any = None) -> None:
        """Show the live monitor in a notebook that has one, else follow the training as plain text.

        compare : a run, the name of one of this process, the path of a log (Caffe's or ours), or several of
            these, three at most: their curves are laid under this one's, by iteration. Text shows this run.
        """
        show(self, find_all(compare, but=self))

    def __repr__(self) -> str:
        limit = f" of {self.max_iter}" if self.max_iter is not None else ""
        loss = f", loss {self.solver.smoothed_loss:.4g}" if len(self.history) else ""
        best = f", best {self.best.output} {self.best.value:.4g} at {self.best.iter}" if self.best else ""
        return f"Run({self.name!r}, {self.state}, iteration {self.iter}{limit}{loss}{best})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return frontends.mimebundle(self) or {"text/plain": repr(self)}
