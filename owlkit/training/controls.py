"""What one asks of a run: controls, which are served between two iterations."""

from __future__ import annotations

import threading
from typing import Any

from owlkit.core.errors import TrainingError
from owlkit.solvers.solver import checked_count
from owlkit.training.awaited import check_not_awaited
from owlkit.training.loop import TrainingLoop
from owlkit.training.requests import Request
from owlkit.training.serving import ACTIVE
from owlkit.training.way_back import WayBack, advice, find_way_back


class Controls(TrainingLoop):
    """The controls of a Run, which says when they return."""

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

    def _ask(self, kind: str, value: Any = None, *, source: str) -> Any:
        if source == "code":
            check_not_awaited(self, kind)
        request = self._requests.put(Request(kind, value, source))
        if self.state not in ACTIVE:
            self._take_late()
        if source != "code" or self._thread is threading.current_thread():
            return None
        return request.outcome()

    # -- going back
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

    # -- the learning rate
    @property
    def lr(self) -> float:
        """Learning rate; setting it overrides the policy from the next iteration on, None ends that."""
        pending = self._pending_lr[-1] if self._pending_lr else None
        return pending if pending is not None else self.solver.lr

    @lr.setter
    def lr(self, value: float | None) -> None:
        self.set_lr(value)

    def set_lr(self, value: float | None, *, source: str = "code") -> None:
        """Override the learning rate from the next iteration on; None goes back to the policy."""
        value = self.solver.checked_lr(value)
        request = Request("lr", value, source)
        if self.state in ACTIVE:
            self._pending_lr.append(value)
            self._requests.put(request)
            if self.state not in ACTIVE:
                self._take_late()
        else:
            self._serve_lr(request)
