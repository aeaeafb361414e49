"""Run: a training that can be watched and controlled while it goes on."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from typing import Any

from owlkit.core import events, frontends
from owlkit.core.errors import TrainingError, closest
from owlkit.solvers import Solver
from owlkit.solvers.solver import checked_count
from owlkit.training.awaited import check_not_awaited
from owlkit.training.loop import ACTIVE, TrainingLoop
from owlkit.training.registry import enrol, find_all
from owlkit.training.requests import Request, as_first_raised
from owlkit.training.showing import show
from owlkit.training.signals import check_effect, handle_signals
from owlkit.training.subscriptions import EVERY, Subscription
from owlkit.training.way_back import WayBack, advice, find_way_back

ENDED = ("stopped", "finished", "failed", "diverged")


class Run(TrainingLoop):
    """A training of `solver`, in a thread of its own (`start`) or in the caller's (`run`).

    Controls are requests that are served between two iterations, or between two batches of a test. Called
    from code, `pause`, `resume`, `step` and `snapshot` return when they have taken effect, so that what
    follows may look at the net; with source="button" (a front end) they return at once. In the midst of a
    pass of the net, for which training would wait, they raise TrainingError.

    name : for monitors, and the prefix of snapshots where the solver has none. number : in this process.
    sigint_effect, sighup_effect : of the signals during `run`: "stop" (with a snapshot), "snapshot", "none".
    save_on_failure : whether an error that leaves the weights whole, such as a damaged record, ends the
        training with a snapshot.
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
    ) -> None:
        super().__init__(solver, name or solver.net.name or "training")
        self.save_on_failure = save_on_failure
        self.number = enrol(self)
        if name is not None and not solver.param.snapshot_prefix:
            solver.default_prefix = name
        self.sigint_effect, self.sighup_effect = check_effect(sigint_effect), check_effect(sighup_effect)
        self._thread: threading.Thread | None = None
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
    def seconds_left(self) -> float | None:
        """Estimate of the time to max_iter, tests included; None before the 20th iteration."""
        done = self.iter - self._first_iter
        if self.max_iter is None or done < 20:
            return None
        return max(0, self.max_iter - self.iter) * self.seconds / done

    @property
    def lr(self) -> float:
        """Learning rate; setting it overrides the policy from the next iteration on, None ends that."""
        pending = self._pending_lr[-1] if self._pending_lr else None
        return pending if pending is not None else self.solver.lr

    @lr.setter
    def lr(self, value: float | None) -> None:
        self.set_lr(value)

    # -- running
    def start(self) -> Run:
        """Train in the background; returns at once. After a stop it goes on where it was.

        Raises TrainingError after the end where max_iter leaves nothing to do.
        """
        if self.state in ENDED:
            self._check_room()
        self._begin()
        self._thread = threading.Thread(target=self._work, name=f"owlkit run {self.name}", daemon=True)
        atexit.register(_quit_at_exit, weakref.ref(self))
        try:
            self._thread.start()
        except BaseException as error:  # the system gives no more threads
            self.error = error
            self._end("failed", f"{type(error).__name__}: {error}")
            raise
        return self

    def run(self) -> Run:
        """Train in this thread until the end.

        Ctrl-C does what `sigint_effect` says; pressed twice it interrupts at once.
        Raises what ended the training, where it failed or diverged.
        """
        self._begin()
        self._thread = threading.current_thread()
        with handle_signals(self._on_signal, self.sigint_effect, self.sighup_effect):
            self._work()
        self._flush()
        if self.error is not None:
            raise as_first_raised(self.error)
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the training; False where `timeout` seconds were not enough.

        Ctrl-C ends the waiting only. Raises what ended the training, where it failed or diverged.
        """
        if self.state == "ready":
            raise TrainingError(f"run {self.name!r} was not started; call start()")
        ended = self.wait_until(*ENDED, timeout=timeout)
        if ended and self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        self._flush()
        if ended and self.error is not None:
            raise as_first_raised(self.error)
        return ended

    def wait_until(self, *states: str, timeout: float | None = None) -> bool:
        """Wait until the state is one of `states`; False where `timeout` seconds were not enough.

        Raises TrainingError without a timeout in the midst of a pass of the net, for which training waits.
        """
        if timeout is None and self.state not in states:
            check_not_awaited(self, "wait")
        with self._requests.changed:
            return self._requests.changed.wait_for(lambda: self.state in states, timeout)

    # -- controls
    def pause(self, *, source: str = "code") -> None:
        """Stand still after the present iteration."""
        self._ask("pause", source=source)

    def resume(self, *, source: str = "code") -> None:
        """Go on after a pause, or start again after a stop or a failure.

        A snapshot that could not be written is tried again first.
        """
        if self.state in ACTIVE:
            self._ask("resume", source=source)
        else:
            self.start()

    def step(self, n: int = 1, *, source: str = "code") -> None:
        """Do n iterations, then pause."""
        if checked_count(n) < 1:
            raise TrainingError(f"step({n}): give a number of iterations >= 1")
        if self.state not in ACTIVE:
            self._check_room()
            check_not_awaited(self, "step")
            self._paused = True
            try:
                self.start()
            except BaseException:  # refused: a later start is not to stand still
                self._paused = False
                raise
        self._ask("step", int(n), source=source)

    def stop(self, *, source: str = "code") -> None:
        """End the training after the present iteration, with a snapshot unless snapshot_after_train is false.

        Returns at once; `wait()` waits for the end.
        """
        if self.state in ACTIVE:
            self._requests.put(Request("stop", source=source))

    def snapshot(self, *, source: str = "code") -> tuple[Any, Any] | None:
        """Write a snapshot after the present iteration; called from code it returns (model, state) paths.

        Also when the training has ended, or failed: an error in the data leaves the weights as they were.
        """
        if self.state not in ACTIVE:
            remove = self.solver.add_listener(self._publish)
            try:
                return self.solver.snapshot()
            finally:
                remove()
        return self._ask("snapshot", source=source)

    def back(
        self, to: int | None = None, *, factor: float | None = 0.1, source: str = "code"
    ) -> WayBack | None:
        """Restore a snapshot and train on from there: in the background where training had ended.

        to : its iteration; None takes the newest good one (see `way_back`). factor : the learning rate is
        then so many times that of the snapshot or the present one, whichever is less; None leaves the
        snapshot's. It overrides the policy, as `set_lr` does. A run that is paused stays paused.
        What was done after that iteration stays in `history.abandoned`, and faded in the monitor.
        Returns what was restored; None for another source than "code".
        Raises TrainingError where there is no such snapshot; the training is then as it was.
        """
        if factor is not None and not factor > 0:
            raise TrainingError(
                f"back(factor={factor}): give a factor above 0, or None for the snapshot's rate"
            )
        if self.state in ACTIVE:
            found: WayBack | None = self._ask("back", (to, factor), source=source)
            if found is not None or source != "code" or self._thread is threading.current_thread():
                return found
        found = self._go_back(Request("back", (to, factor), source))  # it has ended, or ended in between
        self.start()
        return found

    @property
    def way_back(self) -> WayBack | None:
        """The newest good snapshot, which `back` restores: one that led to the present weights, whole on
        disk, and not taken while the loss blew up. None where there is none."""
        try:
            return find_way_back(self.solver, self.history)
        except TrainingError:
            return None

    @property
    def way_back_advice(self) -> str:
        """What helps where `way_back` is None, as things stand."""
        return advice(self.solver, self.history)

    def set_lr(self, value: float | None, *, source: str = "code") -> None:
        """Override the learning rate from the next iteration on; None goes back to the policy."""
        value = self.solver.checked_lr(value)
        request = Request("lr", value, source)
        if self.state in ACTIVE:
            self._pending_lr.append(value)
            self._requests.put(request)
        else:
            self._serve_lr(request)

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

    # -- help
    def _ask(self, kind: str, value: Any = None, *, source: str) -> Any:
        if source == "code":
            check_not_awaited(self, kind)
        request = self._requests.put(Request(kind, value, source))
        if self.state not in ACTIVE:
            # It ended in between, and nobody will serve what was put after the end.
            self._requests.cancel(self.error)
        if source != "code" or self._thread is threading.current_thread():
            return None
        return request.outcome()

    def _check_room(self) -> None:
        nothing_left = self.max_iter is not None and self.iter >= self.max_iter
        if nothing_left and not self.solver.owes_snapshot:
            raise TrainingError(f"finished at iteration {self.iter}; raise run.max_iter to go on")

    def _on_signal(self, effect: str) -> None:
        self._requests.put(Request(effect, source="signal"))

    def __repr__(self) -> str:
        limit = f" of {self.max_iter}" if self.max_iter is not None else ""
        loss = f", loss {self.solver.smoothed_loss:.4g}" if len(self.history) else ""
        return f"Run({self.name!r}, {self.state}, iteration {self.iter}{limit}{loss})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return frontends.mimebundle(self) or {"text/plain": repr(self)}


def _quit_at_exit(reference: weakref.ref[Run]) -> None:
    """End a background training in order: a thread that is cut off inside a kernel may crash the process."""
    run = reference()
    if run is not None and run.state in ACTIVE and run._thread is not None:
        run._requests.put(Request("quit"))
        run._thread.join(5.0)
