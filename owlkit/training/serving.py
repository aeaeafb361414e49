"""What a run does between two iterations: requests are served, and what happened is told."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

from owlkit.core import events
from owlkit.core.errors import OwlkitError
from owlkit.solvers import Solver
from owlkit.training.best import BestKeeper
from owlkit.training.history import History
from owlkit.training.requests import Request, Requests
from owlkit.training.subscriptions import Subscription
from owlkit.training.way_back import WayBack, find_way_back

ACTIVE = ("running", "paused")


class Quit(Exception):
    """The program is ending."""


class Serving:
    """A solver in training, as those who ask for something find it; TrainingLoop lets it train.

    state, error, history, save_on_failure : see Run.
    """

    def __init__(self, solver: Solver, name: str) -> None:
        self.solver, self.name = solver, name
        self.max_iter: int | None = solver.param.max_iter if solver.param.HasField("max_iter") else None
        self.state = "ready"
        self.error: BaseException | None = None
        self.history = History()
        self._thread: threading.Thread | None = None
        self._requests = Requests()
        self._subscriptions: list[Subscription] = []
        self.save_on_failure = False
        self._paused = False
        self._stop: Request | None = None
        self._steps: list[tuple[int, Request]] = []  # (iteration to pause at, who asked)
        self._pending_lr: list[float | None] = []
        self._worked = 0.0  # seconds up to the last pause
        self._since: float | None = None  # when the clock was started again
        self._first_iter = solver.iter
        self._keeper: BestKeeper | None = None
        self._claims = ExitStack()  # what other processes may not write to meanwhile

    @property
    def iter(self) -> int:
        """Updates done."""
        return self.solver.iter

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of training, pauses left out."""
        since = self._since
        return self._worked + (time.perf_counter() - since if since is not None else 0.0)

    @property
    def writes_files(self) -> bool:
        """Whether it writes files under the solver's prefix without being asked for each."""
        return self.solver.writes_snapshots or self._keeper is not None

    # -- requests
    def _serve_in_test(self) -> bool:
        """As `_serve`, between two batches of a test: whether to abandon it."""
        return self._serve(testing=True)

    def _serve(self, testing: bool = False) -> bool:
        """Serve all requests, sleeping while paused; whether to stop, or to abandon a test.

        To go back waits until a test is abandoned: weights do not change under it.
        """
        while self._stop is None:
            asked = self._requests.next_kind()
            if testing and asked == "back":
                return True
            if asked or self._paused:
                self.solver.settle()
            request = self._requests.take()
            if request is not None:
                getattr(self, f"_serve_{request.kind}")(request)
            elif self._paused:
                self._stand()
                self._requests.wait()
            else:
                break
        self._move()
        return self._stop is not None

    def _move(self) -> None:
        if self.state == "paused":
            self._since = time.perf_counter()
            self.solver.keep_to(threading.get_ident())
            self._set_state("running")

    def _stand(self) -> None:
        self._paused = True
        if self.state != "paused":
            self._worked, self._since = self.seconds, None
            self.solver.keep_to(None)
            self._set_state("paused")

    def _serve_pause(self, request: Request) -> None:
        self._note(request, "paused")
        self._stand()
        self._supersede_steps()
        request.finish()

    def _serve_resume(self, request: Request) -> None:
        self._paused = False
        self._supersede_steps()
        self._note(request, "resumed")
        self._move()
        request.finish()

    def _serve_step(self, request: Request) -> None:
        self._paused = False
        self._steps.append((self.iter + request.value, request))
        self._note(request, f"{request.value} iteration{'s' if request.value > 1 else ''}")

    def _serve_stop(self, request: Request) -> None:
        self._stop = request
        self._note(request, "stopped")
        request.finish()

    def _serve_lr(self, request: Request) -> None:
        before = self.solver.lr
        self.solver.lr = request.value
        if self._pending_lr:
            self._pending_lr.pop(0)
        after = self.solver.lr
        self._note(request, f"{before:g} → {after:g}", before, after)
        request.finish()

    def _take_late(self) -> None:
        """Deal with what was asked for when nobody served it any more: the training was ending or had ended.

        A rate is set as it would be after the end; the others have nothing to act on.
        """
        while (request := self._requests.take()) is not None:
            if request.kind == "lr":
                self._serve_lr(request)
            else:
                request.finish(error=self.error)
        self._pending_lr.clear()

    def _serve_snapshot(self, request: Request) -> None:
        self._note(request, "snapshot")
        try:
            request.finish(self.solver.snapshot())
        except Exception as error:
            # Asked for by hand: whoever asked is told, and the training need not suffer.
            request.finish(error=error)
            self._publish(events.Warned(self.iter, f"no snapshot: {error}"))

    def _serve_back(self, request: Request) -> None:
        try:
            request.finish(self._go_back(request))
        except Exception as error:
            # Whoever asked is told, and the training is as it was.
            request.finish(error=error)
            self._publish(events.Warned(self.iter, f"not gone back: {error}"))

    def _go_back(self, request: Request) -> WayBack:
        to, factor = request.value
        way = find_way_back(self.solver, self.history, to)
        reached, before = self.iter, self.solver.lr
        in_use = self.solver.in_use_by is self
        (self.solver.put_back if in_use else self.solver.restore)(way.state)
        if factor is not None:
            self.solver.lr = factor * min(before, self.solver.lr)
        self._first_iter -= reached - self.iter  # what was given up took its time, too
        self._supersede_steps()
        self._tell_back(reached, request.source, before)
        return way

    def _notice_restored(self) -> None:
        """The solver was put back to an earlier iteration between two trainings."""
        known = self.history.iter
        if len(known) and self.iter < known[-1]:
            self._tell_back(int(known[-1]), "code", float(self.history.lr[-1]))

    def _tell_back(self, reached: int, source: str, before: float) -> None:
        after = self.solver.lr
        rates = "" if after == before else f", lr {before:g} → {after:g}"
        self._publish(events.Rewound(self.iter, reached))
        text = f"back from {reached}{rates}"
        self._publish(events.Intervention(self.iter, "back", text, source, before, after))

    def _serve_quit(self, request: Request) -> None:
        request.finish()
        raise Quit

    def _supersede_steps(self) -> None:
        for _, request in self._steps:
            request.finish()
        self._steps.clear()

    # -- events
    def _note(self, request: Request, text: str, *rates: float) -> None:
        self._publish(events.Intervention(self.iter, request.kind, text, request.source, *rates))

    def _set_state(self, state: str, reason: str = "") -> None:
        with self._requests.changed:
            self.state = state
            self._publish(events.StateChanged(self.iter, state, reason))
            self._requests.changed.notify_all()

    def _publish(self, event: Any) -> None:
        self.history.record(event)
        for subscription in tuple(self._subscriptions):
            subscription.put(event)
        if self._keeper is not None:
            self._keep_best(self._keeper, event)

    def _keep_best(self, keeper: BestKeeper, event: Any) -> None:
        """Told by the thread that trains, while the weights are those that were tested."""
        try:
            if isinstance(event, events.TestDone):
                keeper.see(event)
            elif isinstance(event, events.Rewound):
                keeper.go_back()
        except (OwlkitError, OSError) as error:  # a full disk, say: the training need not suffer
            self._publish(events.Warned(self.iter, f"the best weights were not written: {error}"))

    def _give_up(self, why: str) -> None:
        """Stop for want of better tests, where this one is not the last anyway."""
        ends = self.max_iter is not None and self.iter >= self.max_iter
        if self.state in ACTIVE and self._stop is None and not ends:
            self._publish(events.Warned(self.iter, f"stopped: {why}"))
            self._requests.put(Request("stop"))

    def _flush(self, seconds: float = 2.0) -> None:
        """Give the listeners time for what is still waiting for them."""
        for subscription in tuple(self._subscriptions):
            subscription.flush(seconds)
