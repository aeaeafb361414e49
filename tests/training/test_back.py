"""Going back to a snapshot: what is restored, what is kept of what was given up."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core import events
from owlkit.core.errors import TrainingError
from owlkit.solvers import DivergedError
from owlkit.training import History, Run

from .small import make_solver, parameters, with_tests

LONG = 10**9


def diverged(folder: Path, snapshot: int = 10, at: int = 25) -> Run:
    """A run that had snapshots every `snapshot` iterations and diverged after `at`."""
    solver = make_solver(max_iter=at, snapshot=snapshot, snapshot_prefix=str(folder / "a"))
    run = Run(solver, "hot").run()
    run.max_iter = at + 1
    solver.net.params["ip2"][0].data[...] = math.nan
    with pytest.raises(DivergedError):
        run.run()
    return run


def test_back_restores_the_newest_snapshot_and_goes_on_at_a_tenth_of_the_rate(tmp_path: Path) -> None:
    run = diverged(tmp_path)
    assert run.state == "diverged"
    assert run.way_back is not None
    assert run.way_back.iter == 20
    run.max_iter = 40
    way = run.back()
    assert way is not None
    assert way.iter == 20
    run.wait()
    assert run.state == "finished"
    assert run.history.iter.tolist() == list(range(1, 41))
    assert np.isfinite(run.history.loss).all()
    assert run.history.lr[-1] == pytest.approx(0.001)
    told = run.history.interventions[-1]
    assert (told.kind, told.iter, told.text) == ("back", 20, "back from 25, lr 0.01 → 0.001")


def test_what_was_given_up_is_kept(tmp_path: Path) -> None:
    run = diverged(tmp_path)
    run.back()
    run.wait()
    (part,) = run.history.abandoned
    assert part.iter == 20
    assert part.columns["iter"].tolist() == [21, 22, 23, 24, 25]
    assert part.divergence is not None
    assert run.history.divergence is None
    with pytest.raises(ValueError, match="read-only"):
        part.columns["loss"][0] = 7


def test_going_back_is_bit_identical_to_never_having_left(tmp_path: Path) -> None:
    straight = make_solver(max_iter=30)
    straight.solve()
    solver = make_solver(max_iter=30, snapshot=10, snapshot_prefix=str(tmp_path / "a"))
    run = Run(solver).run()
    way = run.back(10, factor=None)
    assert way is not None
    run.wait()
    assert parameters(solver) == parameters(straight)
    assert run.lr == straight.lr


def test_back_while_paused_and_while_running(tmp_path: Path) -> None:
    run = Run(with_tests(max_iter=LONG, test_interval=1, snapshot_prefix=str(tmp_path / "a"))).start()
    run.pause()
    run.snapshot()
    at = run.iter
    run.step(7)
    run.wait_until("paused", timeout=10)
    way = run.back()
    assert way is not None
    assert (way.iter, run.iter, run.state) == (at, at, "paused")
    run.resume()
    run.wait_until("running", timeout=10)
    run.back(factor=None)  # between two iterations or in a test
    assert run.lr == pytest.approx(0.01)  # the snapshot's own
    run.stop()
    run.wait()
    assert [part.iter for part in run.history.abandoned] == [at, at]
    assert all(test.iter <= run.iter for test in run.history.tests)


def test_the_rate_falls_each_time(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=LONG, snapshot_prefix=str(tmp_path / "a"))).start()
    run.pause()
    run.snapshot()
    run.set_lr(1e6)
    run.back()
    assert run.lr == pytest.approx(0.001)  # of the snapshot's rate: a wild one set since does not count
    run.back()
    assert run.lr == pytest.approx(0.0001)
    run.stop()
    run.wait()


def test_snapshots_that_were_given_up_do_not_count(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=LONG, snapshot=10, snapshot_prefix=str(tmp_path / "a")))
    run.step(35)
    run.back(10)
    run.step(3)
    assert run.way_back is not None
    assert run.way_back.iter == 10  # those of 20 and 30 belong to what was given up
    with pytest.raises(TrainingError, match=r"no snapshot of iteration 30, but from those of 10"):
        run.back(30)
    assert (run.iter, run.state) == (13, "paused")
    run.stop()
    run.wait()


def test_restoring_the_newest_goes_on_with_what_was_gone_back_to(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=22, snapshot=5, snapshot_prefix=str(tmp_path / "a"))).run()
    run.max_iter = 13
    run.back(10, factor=None)
    run.wait()
    run.snapshot()
    again = make_solver(snapshot_prefix=str(tmp_path / "a"))
    assert again.restore("auto") == tmp_path / "a_iter_13.solverstate"
    assert "a_iter_20.solverstate is older" in again.notices[-1]


def test_a_damaged_snapshot_and_one_of_a_blow_up_are_passed_over(tmp_path: Path) -> None:
    run = diverged(tmp_path)
    (tmp_path / "a_iter_20.caffemodel").write_bytes(b"cut")
    assert run.way_back is not None
    assert run.way_back.iter == 10
    wild = Run(make_solver(max_iter=20, snapshot=10, snapshot_prefix=str(tmp_path / "w"))).run()
    wild.history._columns["loss"][10:20] = 87.3
    assert wild.way_back is not None
    assert wild.way_back.iter == 10


def test_without_a_snapshot_it_says_how_to_get_one(tmp_path: Path) -> None:
    run = Run(make_solver(snapshot_prefix=str(tmp_path / "a"))).run()
    assert run.way_back is None
    with pytest.raises(TrainingError, match=r"no snapshot to go back to; run\.snapshot\(\) writes one"):
        run.back()
    run.snapshot()
    with pytest.raises(TrainingError, match=r"no snapshot of iteration 7, but from those of 20"):
        run.back(7)
    with pytest.raises(TrainingError, match="give a factor above 0"):
        run.back(factor=0)
    assert run.state == "finished"


@pytest.mark.parametrize(
    ("snapshot", "at", "helps"),
    [
        (0, 18, r"lower base_lr .*mend the data; `snapshot: 4` there writes some before iteration 18$"),
        (50, 18, r"before iteration 18, which `snapshot: 50` did not$"),
        (50, 1, r"mend the data; it went wrong at once$"),
    ],
)
def test_after_a_divergence_it_says_what_helps_then(
    tmp_path: Path, snapshot: int, at: int, helps: str
) -> None:
    run = diverged(tmp_path, snapshot, at)
    with pytest.raises(
        TrainingError, match="there is no snapshot to go back to; make a new solver .*" + helps
    ):
        run.back()
    assert "run.snapshot()" not in run.way_back_advice


def test_of_snapshots_to_come_it_says_when() -> None:
    run = Run(make_solver(max_iter=3, snapshot=10)).run()
    assert run.way_back_advice == "run.snapshot() writes one now; `snapshot: 10` writes the next at 10"


def test_where_all_snapshots_are_bad_no_interval_helps(tmp_path: Path) -> None:
    run = diverged(tmp_path)
    for path in tmp_path.glob("a_iter_*.caffemodel"):
        path.write_bytes(b"cut")
    assert run.way_back is None
    assert "snapshot:" not in run.way_back_advice


def test_a_restore_between_two_trainings_is_noticed(tmp_path: Path) -> None:
    solver = make_solver(max_iter=20, snapshot=10, snapshot_prefix=str(tmp_path / "a"))
    run = Run(solver).run()
    solver.restore(tmp_path / "a_iter_10.solverstate")
    seen: list[object] = []
    run.subscribe(seen.append)
    run.run()
    assert events.Rewound(10, 20) in seen
    assert [part.iter for part in run.history.abandoned] == [10]


def test_a_button_does_not_wait(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=LONG, snapshot_prefix=str(tmp_path / "a"))).start()
    run.pause()
    run.snapshot()
    run.step(3)
    run.wait_until("paused", timeout=10)
    gone_back = threading.Event()
    run.subscribe(lambda event: gone_back.set() if isinstance(event, events.Rewound) else None)
    assert run.back(source="button") is None
    assert gone_back.wait(10)
    assert run.history.interventions[-1].source == "button"
    run.stop()
    run.wait()


@pytest.mark.parametrize("at", [15, 20])
def test_in_a_test_it_waits_until_that_is_abandoned(tmp_path: Path, at: int) -> None:
    """Weights do not change under it; 20: the test after the last iteration."""
    solver = with_tests(max_iter=20, snapshot=10, snapshot_prefix=str(tmp_path / "a"))
    run, forward, tested = Run(solver), solver.test_nets[0].forward, []

    def asking(*args: Any, **kwargs: Any) -> Any:
        tested.append(run.iter)
        if tested.count(at) == 2 == len(tested) - tested.index(at):
            run.back(10, factor=None, source="button")
        return forward(*args, **kwargs)

    solver.test_nets[0].forward = asking
    run.run()
    assert [part.iter for part in run.history.abandoned] == [10]
    told = run.history.tests + run.history.repeated + run.history.abandoned[0].tests
    assert [test.iter for test in run.history.tests] == [0, 5, 10, 15, 20]
    assert len(tested) == 4 * len(told) + 2, "the rest of that test's four batches is left out"
    assert at not in [test.iter for test in run.history.abandoned[0].tests]


def test_history_without_the_event_notices_too() -> None:
    history = History()
    for i in (1, 2, 3, 2):
        history.record(events.IterationDone(i, 1 / i, 1 / i, 0.1, 0.5, 0.1, 10))
    assert history.iter.tolist() == [1, 2]
    assert history.abandoned[0].columns["iter"].tolist() == [2, 3]
