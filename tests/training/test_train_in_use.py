"""`owlkit.train` with what is in training already: the error comes before a monitor."""

from __future__ import annotations

import pytest

from owlkit import L, NetSpec, Solver
from owlkit.core.errors import TrainingError
from owlkit.core.events import TestDone
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


def test_a_cell_that_is_run_again_shows_the_run_that_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its monitor gave way to an error, while the training went on out of sight."""
    solver = with_tests(max_iter=LONG)
    run = train(solver, "first", monitor=False)
    run.pause()
    count = len(runs())
    for name in ("first", None):
        assert train(solver, name, monitor=False) is run
    assert len(runs()) == count
    assert run.state == "paused"
    shown: list[Run] = []
    monkeypatch.setattr(Run, "monitor", lambda self, compare=None: shown.append(self))
    train(solver, "first")
    assert shown == [run]
    assert "trained by run 'first' already: this is that run" in caplog.text
    run.stop()
    run.wait(PATIENCE)


def test_a_solver_at_its_end_is_not_trained_without_a_word() -> None:
    solver = with_tests(max_iter=10)
    train(solver, "ended", monitor=False).wait(PATIENCE)
    with pytest.raises(TrainingError, match=r"iteration 10 of max_iter 10.*solver.param.max_iter = 20"):
        train(solver, "ended", monitor=False)
    solver.param.max_iter = 20
    run = train(solver, "ended", monitor=False)
    run.wait(PATIENCE)
    assert run.iter == 20


def test_iterations_asked_for_during_the_last_test_are_done() -> None:
    solver = with_tests(max_iter=10)
    run = Run(solver, "longer")

    def lengthen(event: object) -> None:
        if isinstance(event, TestDone) and event.iter == 10:
            run.max_iter = 15

    solver.add_listener(lengthen)
    run.run()
    assert (run.iter, run.state) == (15, "finished")


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


def test_a_run_over_input_layers_is_remarked(caplog: pytest.LogCaptureFixture) -> None:
    """It trains on zeros for as long as one likes, and the loss is wonderful."""
    n = NetSpec("siamese")
    n.a, n.b, n.alike = L.Input(shape=[[2, 3], [2, 3], [2]], ntop=3)
    n.x = L.InnerProduct(n.a, num_output=2, weight_filler="xavier")
    n.loss = L.ContrastiveLoss(n.x, L.InnerProduct(n.b, num_output=2, weight_filler="xavier"), n.alike)
    run = train(Solver(n, base_lr=0.01, max_iter=3, snapshot_after_train=False), monitor=False)
    run.wait(PATIENCE)
    assert "a, b, alike of net 'siamese' are Input layers" in caplog.text
    caplog.clear()
    train(with_tests(max_iter=3), monitor=False).wait(PATIENCE)
    assert "Input" not in caplog.text
