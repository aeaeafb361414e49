"""The thread that trains: how a training is begun, goes through its iterations, and ends."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from contextlib import suppress
from typing import Any, Self

from owlkit.core.errors import TrainingError
from owlkit.core.tracebacks import place, shorten
from owlkit.solvers import DivergedError
from owlkit.training.awaited import check_not_awaited
from owlkit.training.failures import advice, leaves_weights_to_save
from owlkit.training.overwriting import check_apart
from owlkit.training.registry import runs
from owlkit.training.requests import Request, as_first_raised
from owlkit.training.serving import ACTIVE, Quit, Serving
from owlkit.training.signals import handle_signals

ENDED = ("stopped", "finished", "failed", "diverged")
NOBODY = -1  # no thread's identity: from the call that starts a training until its thread has the nets


class TrainingLoop(Serving):
    """Iterates a solver until max_iter, a request to stop, or an error; a Run adds what users call.

    sigint_effect, sighup_effect : see Run, which sets them.
    """

    sigint_effect: str
    sighup_effect: str

    def start(self) -> Self:
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

    def run(self) -> Self:
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

    def _check_room(self) -> None:
        nothing_left = self.max_iter is not None and self.iter >= self.max_iter
        if nothing_left and not self.solver.owes_snapshot:
            raise TrainingError(f"finished at iteration {self.iter}; raise run.max_iter to go on")

    def _on_signal(self, effect: str) -> None:
        self._requests.put(Request(effect, source="signal"))

    # -- from its beginning to its end
    def _begin(self) -> None:
        other = self.solver.in_use_by
        if self.state in ACTIVE or other is not None:
            raise TrainingError(f"the solver is being trained by run {(other or self).name!r} already")
        check_apart(self, [run for run in runs() if run.state in ACTIVE])
        self._claims.enter_context(self.solver.claim_snapshots(always=self.writes_files))
        self.solver.in_use_by = self
        self._requests.cancel(None)  # what came too late for the run before
        self._stop, self.error = None, None
        self._first_iter, self._worked, self._since = self.solver.iter, 0.0, time.perf_counter()
        self.solver.abandon_test = self._serve_in_test
        try:
            self._notice_restored()
            if self._keeper is not None:
                self._keeper.begin()
            self.solver.keep_to(NOBODY)
        except BaseException:  # interrupted while it waited for somebody who looks at the net
            self._let_go()
            raise
        self._set_state("running")

    def _let_go(self) -> None:
        """From now on the solver, and its snapshots, are anybody's."""
        self._worked, self._since = self.seconds, None
        self.solver.keep_to(None)  # before: who is refused is told by whom
        self._paused, self.solver.in_use_by = False, None
        self.solver.abandon_test = lambda: False
        self._claims.close()

    def _work(self) -> None:
        remove = self.solver.add_listener(self._publish, at_rest=lambda: False)
        state, reason = "failed", ""
        try:
            self.solver.keep_to(threading.get_ident())
            self._train()
            state = "stopped" if self._stop is not None else "finished"
        except Quit:
            state, reason = "stopped", "the program ended"
        except KeyboardInterrupt:
            state, reason = "stopped", "interrupted"
            with suppress(Exception):  # what interrupts is told, not what its last loss had to say
                self.solver.settle()
            raise
        except DivergedError as error:
            self.error, state, reason = error, "diverged", str(error)
        except BaseException as error:
            reason = self._fail(error)
        finally:
            remove()
            self._end(state, reason)

    def _fail(self, error: BaseException) -> str:
        """Keep an error that ends the training, and save what is whole; returns the reason to tell."""
        self.error = error
        shorten(error)
        where = [*getattr(error, "__notes__", ()), place(error)]
        told = ", ".join([f"{type(error).__name__}: {error}", *filter(None, where)])
        if not self.save_on_failure:
            return told + advice(self.solver, error)
        if self.solver.param.snapshot_after_train and leaves_weights_to_save(self.solver, error):
            self._serve_snapshot(Request("snapshot"))
        return told

    def _end(self, state: str, reason: str) -> None:
        self._let_go()
        for _, request in self._steps:
            request.finish(error=self.error)
        self._steps.clear()
        self._set_state(state, reason)
        self._take_late()

    def _train(self) -> None:
        self._loop()
        self.solver.finish(interrupted=self._stop is not None)
        while self._stop is None and self._is_wanted_on():
            self._loop()
            self.solver.finish(interrupted=self._stop is not None)

    def _is_wanted_on(self) -> bool:
        """Whether somebody asked during the last test or snapshot to go back, or for more iterations."""
        more = self.max_iter is None or self.iter < self.max_iter
        return more or self._requests.next_kind() == "back"

    def _loop(self) -> None:
        while not self._serve() and (self.max_iter is None or self.iter < self.max_iter):
            self.solver.advance(1, more=self._goes_on())
            due = [request for at, request in self._steps if at <= self.iter]
            if due:
                self._steps = [(at, request) for at, request in self._steps if at > self.iter]
                self.solver.settle()  # one who asked within a test was not known when the iteration began
                if not self._steps:
                    self._stand()
                for request in due:
                    request.finish()
        self.solver.settle()  # max_iter may have been set to less meanwhile

    def _goes_on(self) -> bool:
        """Whether after the next iteration another one follows, as far as anybody knows."""
        after = self.iter + 1
        ends = self.max_iter is not None and after >= self.max_iter
        return not (ends or (self._steps and any(at <= after for at, _ in self._steps)))


def _quit_at_exit(reference: weakref.ref[Any]) -> None:
    """End a background training in order: a thread that is cut off inside a kernel may crash the process."""
    run = reference()
    if run is not None and run.state in ACTIVE and run._thread is not None:
        run._requests.put(Request("quit"))
        run._thread.join(5.0)
