"""Who waits for whom where somebody looks at a net in training: nobody for long, and none for ever."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import TrainingError
from owlkit.solvers import DivergedError
from owlkit.training import Run
from tests.training.numbered import (
    LONG,
    PATIENCE,
    as_proto,
    numbered,
    training,
)
from tests.training.small import make_solver, with_tests


def test_nobody_waits_for_many_iterations_and_training_goes_on() -> None:
    run, asked = Run(numbered()), []

    class Noted(deque[object]):
        """Tells at which iteration this thread asks for its turn."""

        def append(self, ticket: object) -> None:
            super().append(ticket)
            if threading.current_thread() is threading.main_thread():
                asked.append(run.iter)

    run.net.turns._queue = Noted()
    run.start()
    patience = time.monotonic() + PATIENCE
    while run.iter < 20:
        with run.net.at_rest():
            at = run.iter
            assert at <= asked[-1] + 1
            time.sleep(0.001)
            assert run.iter == at
        assert time.monotonic() < patience
    run.stop()
    assert run.wait(PATIENCE)


def test_several_that_look_all_the_time_do_not_stop_the_training(tmp_path: Path) -> None:
    run = training(max_iter=40)

    def look() -> None:
        while run.state == "running":
            as_proto(run.net, tmp_path)

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        assert run.wait(PATIENCE)
        for future in looking:
            future.result(PATIENCE)
    assert run.iter == 40


def test_in_the_thread_that_trains_nobody_waits(tmp_path: Path) -> None:
    """In listeners, in callbacks, and in the midst of a pass."""
    solver, found = numbered(max_iter=3), []

    def note(*_: Any) -> None:
        found.append(as_proto(solver.net, tmp_path))

    solver.add_listener(lambda event: note() if type(event).__name__ == "IterationDone" else None)
    solver.add_callback(note, note)
    Run(solver).run()
    assert found == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    solver.net.watch_layers("after_forward", note)
    solver.net.forward()
    assert found[-1] == 3


def test_a_callback_may_wait_for_a_thread_that_saves(tmp_path: Path) -> None:
    solver, found = numbered(max_iter=3), []
    with ThreadPoolExecutor(1) as pool:

        def elsewhere() -> None:
            found.append(pool.submit(as_proto, solver.net, tmp_path).result(PATIENCE))

        solver.add_callback(elsewhere, elsewhere)
        assert Run(solver).start().wait(PATIENCE)
    assert found == [0, 0, 1, 1, 2, 2]


def test_a_listener_may_wait_for_a_thread_that_saves(tmp_path: Path) -> None:
    """Whatever it is told, and as late as what it is told of a display, the update is made."""
    solver, found = numbered(display=1), []
    with ThreadPoolExecutor(1) as pool:

        def elsewhere(event: Any) -> None:
            saved = pool.submit(as_proto, solver.net, tmp_path).result(PATIENCE / 6)
            found.append((type(event).__name__, saved))

        solver.add_listener(elsewhere)
        solver.step(2)
        solver.net.forward_backward = lambda: math.nan
        with pytest.raises(DivergedError):
            solver.step(1)
    each = ("Displayed", "IterationDone")
    assert found == [(name, iteration) for iteration in (1, 2) for name in each] + [("Diverged", 2)]


def test_in_a_pause_in_a_test_and_after_the_end(tmp_path: Path) -> None:
    run = Run(numbered()).start()
    run.pause()
    assert as_proto(run.net, tmp_path) == run.iter
    run.step(2)
    assert as_proto(run.net, tmp_path) == run.iter
    run.stop()
    assert run.wait(PATIENCE)
    assert as_proto(run.net, tmp_path) == run.iter


def test_after_a_failure(tmp_path: Path) -> None:
    solver = make_solver(max_iter=LONG)
    solver.add_callback(lambda: None, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Run(solver).start().wait(PATIENCE)
    solver.net.save(tmp_path / "a.caffemodel")

    diverging = make_solver(max_iter=LONG, base_lr=1e30)
    with pytest.raises(DivergedError):
        Run(diverging).start().wait(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(diverging.net.save, tmp_path / "b.caffemodel").result(PATIENCE)


def test_a_test_goes_on_while_somebody_looks(tmp_path: Path) -> None:
    """Its weights stand still, so that nobody waits for its end."""
    run = Run(with_tests(max_iter=LONG, test_iter=100_000)).start()
    run.net.save(tmp_path / "a.caffemodel")
    assert (run.iter, run.state) == (0, "running")
    run.stop()
    assert run.wait(PATIENCE)


# -- in the midst of a pass
CONTROLS: dict[str, Callable[[Run], Any]] = {
    "pause": lambda run: run.pause(),
    "resume": lambda run: run.resume(),
    "step": lambda run: run.step(1),
    "snapshot": lambda run: run.snapshot(),
    "back": lambda run: run.back(),
    "wait": lambda run: run.wait(),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_that_training_would_wait_for_is_refused(control: str) -> None:
    """It was begun in a pause; training has been asked to go on since, and waits for its end."""
    run = Run(with_tests(max_iter=LONG)).start()
    run.pause()
    errors = []

    def act(_: int) -> None:
        run.resume(source="button")
        with pytest.raises(TrainingError, match=rf"{control}: called in the midst of a pass of net 'small'"):
            CONTROLS[control](run)
        errors.append(control)

    other = run.solver.test_nets[0]
    other.watchers.add("before_forward", lambda layer: act(layer) if not errors else None)
    other.forward(end="ip1")
    assert errors == [control]
    run.pause()
    run.stop()
    assert run.wait(PATIENCE)


def test_a_run_that_stands_is_not_stepped_in_the_midst_of_a_pass() -> None:
    run = Run(make_solver())
    with run.net.at_rest(), pytest.raises(TrainingError, match="step: called in the midst"):
        run.step()
    assert (run.state, run.iter) == ("ready", 0)


# -- who is interrupted
def test_a_start_that_is_interrupted_leaves_the_solver_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for whoever looks at a net; of two nets the first is the training's by then."""
    solver = with_tests(snapshot=10, snapshot_prefix=str(tmp_path / "a"))

    def interrupt(thread: int | None) -> None:
        if thread is not None:
            assert solver.net.keeper is not None
            raise KeyboardInterrupt

    run = Run(solver)
    with monkeypatch.context() as patch:
        patch.setattr(solver.test_nets[0], "keep_to", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.start()
    assert (run.state, solver.net.keeper, list(tmp_path.iterdir())) == ("ready", None, [])
    assert run.start().wait(PATIENCE)
    assert run.iter == 20


def test_nobody_is_waited_for_to_let_a_net_go() -> None:
    solver = make_solver()
    with ThreadPoolExecutor(1) as pool, solver.net.at_rest():
        pool.submit(solver.keep_to, None).result(PATIENCE)
