"""`owlkit.train` with what is in training already: the error comes before a monitor."""

from __future__ import annotations

import pytest

from owlkit.core.errors import TrainingError
from owlkit.training import Run, runs, train
from tests.training.small import with_tests

LONG, PATIENCE = 100_000, 30.0


def test_who_trains_a_solver_in_use_gets_the_error_before_a_monitor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(with_tests(max_iter=LONG), "first").start()
    run.pause()
    with pytest.raises(TrainingError, match="being trained by run 'first' already"):
        train(run.solver, "second")
    assert capsys.readouterr().out == "", "a monitor of nothing"
    assert "second" not in [known.name for known in runs()]
    assert run.solver.default_prefix == "first"
    run.stop()
    run.wait(PATIENCE)


def test_two_trainings_with_the_same_snapshots_are_told_before_a_monitor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(with_tests(max_iter=LONG, snapshot=1000), "twice").start()
    run.pause()
    with pytest.raises(TrainingError, match="writes to the same snapshots"):
        train(with_tests(max_iter=LONG, snapshot=1000), "twice")
    assert capsys.readouterr().out == "", "a monitor of nothing"
    run.stop()
    run.wait(PATIENCE)
