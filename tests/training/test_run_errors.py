"""Errors of a training and of those who listen to it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from owlkit.core import events
from owlkit.solvers import DivergedError
from owlkit.training import Run
from tests.training.small import make_solver
from tests.training.watched import LONG, PATIENCE


def test_an_exception_is_kept_and_raised_again() -> None:
    solver = make_solver()

    def fail() -> float:
        raise ValueError("the data are gone")

    solver.net.forward_backward = fail
    run = Run(solver).start()
    for _ in range(2):
        with pytest.raises(ValueError, match="the data are gone"):
            run.wait(PATIENCE)
    assert run.state == "failed"
    assert run.history.states[-1].reason == "ValueError: the data are gone"


def test_an_error_told_again_has_the_traceback_of_the_first_time() -> None:
    solver = make_solver()
    solver.net.params["ip2"][0].data[...] = np.nan
    run = Run(solver).start()
    lengths = []
    for ask in (run.wait, run.wait, run.wait):
        with pytest.raises(DivergedError) as caught:
            ask()
        lengths.append(len(caught.traceback))
    assert lengths[0] == lengths[1] == lengths[2]


def test_divergence() -> None:
    solver = make_solver()
    solver.net.params["ip2"][1].data[1] = np.nan
    run = Run(solver).start()
    with pytest.raises(DivergedError):
        run.wait(PATIENCE)
    assert run.state == "diverged"
    assert run.history.divergence is not None
    assert run.history.divergence.layer == "ip2"
    solver.net.params["ip2"][1].data[1] = 0
    run.resume()
    assert run.wait(PATIENCE)
    assert run.state == "finished"


def test_requests_of_a_run_that_fails_do_not_hang() -> None:
    run = Run(make_solver(max_iter=LONG)).start()
    run.pause()
    run.solver.net.forward_backward = None
    with pytest.raises(TypeError):
        run.step(3)


def test_listeners_that_fail_or_hang_do_not_matter(caplog: pytest.LogCaptureFixture) -> None:
    release, seen = threading.Event(), []
    run = Run(make_solver())

    def bad(event: Any) -> None:
        raise RuntimeError("broken")

    run.subscribe(bad)
    end_slow = run.subscribe(lambda event: release.wait(PATIENCE))
    run.subscribe(seen.append)
    run.start()
    assert run.wait_until("finished", timeout=PATIENCE)
    release.set()
    end_slow()
    run.wait(PATIENCE)
    assert sum(isinstance(event, events.IterationDone) for event in seen) == 20
    assert "failed and was ended" in caplog.text


def test_a_listener_may_use_the_controls() -> None:
    run = Run(make_solver(max_iter=LONG))

    def stop_at_five(event: Any) -> None:
        if isinstance(event, events.IterationDone) and event.iter == 5:
            run.pause()
            run.stop()

    run.subscribe(stop_at_five)
    assert run.start().wait(PATIENCE)
    assert run.state == "stopped"
