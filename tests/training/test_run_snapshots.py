"""Snapshots that are asked of a run, and those of its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import TrainingError
from owlkit.training import Run
from tests.training.small import make_solver, parameters, with_tests
from tests.training.watched import LONG, PATIENCE


def test_snapshot_on_request(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=LONG), str(tmp_path / "run")).start()
    model, state = run.snapshot()
    run.stop()
    run.wait(PATIENCE)
    assert model.exists()
    assert state.exists()
    (written,) = run.history.snapshots
    assert written.model == str(model)
    assert run.snapshot()[0].name == f"run_iter_{run.iter}.caffemodel"
    assert len(run.history.snapshots) == 2


def test_a_snapshot_that_fails_on_request_tells_who_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Run(make_solver(max_iter=LONG), str(tmp_path / "file" / "run")).start()
    with pytest.raises(TrainingError, match=r"file cannot be written .*; choose another"):
        run.snapshot()
    assert run.state == "running"
    run.stop()
    run.wait(PATIENCE)
    assert "no snapshot" in run.history.warnings[-1].message


@pytest.mark.parametrize("prefix", [True, False])
def test_a_stop_takes_a_snapshot_as_caffe_does(tmp_path: Path, prefix: bool) -> None:
    run = Run(make_solver(max_iter=LONG, snapshot_after_train=prefix), str(tmp_path / "a")).start()
    run.stop()
    run.wait(PATIENCE)
    assert bool(list(tmp_path.iterdir())) is prefix


def test_a_stop_ends_a_test_and_the_test_is_repeated(tmp_path: Path) -> None:
    whole = with_tests()
    whole.step(7)
    solver = with_tests(test_iter=4, snapshot_after_train=True, snapshot_prefix=str(tmp_path / "a"))
    run = Run(solver)
    forward, calls = solver.test_nets[0].forward, []

    def stopping_forward() -> Any:
        calls.append(solver.iter)
        if calls.count(5) == 2:
            run.stop()
        return forward()

    solver.test_nets[0].forward = stopping_forward
    run.start().wait(PATIENCE)
    assert (run.iter, run.state) == (5, "stopped")
    assert calls == [0] * 4 + [5] * 2
    resumed = with_tests(seed=8)
    resumed.restore(tmp_path / "a_iter_5.solverstate")
    resumed.step(2)
    assert parameters(resumed) == parameters(whole)
    assert resumed.test() == whole.test()
