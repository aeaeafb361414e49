"""The weights of the best test are kept, and a training that gets no better stops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from owlkit.core import events
from owlkit.core.errors import DataError, TrainingError
from owlkit.net import Net
from owlkit.solvers import Solver
from owlkit.training import Run, train
from tests.training.small import net_param, parameters, with_tests

PATIENCE = 30.0


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Accuracies by iteration, which tests say in place of what they have found."""
    accuracies: dict[int, float] = {}
    test = Solver._test

    def told(self: Solver, *args: Any) -> Any:
        emit = self.emit

        def changed(event: Any) -> None:
            if isinstance(event, events.TestDone):
                outputs = {**event.outputs, "accuracy": accuracies[event.iter]}
                event = events.TestDone(event.iter, 0, "small", outputs, None, 0.0)
            emit(event)

        self.__dict__["emit"] = changed
        try:
            return test(self, *args)
        finally:
            del self.__dict__["emit"]

    monkeypatch.setattr(Solver, "_test", told)
    return accuracies


def test_the_best_weights_are_those_that_were_tested(tmp_path: Path, scripted: dict[int, float]) -> None:
    scripted.update({0: 0.2, 5: 0.8, 10: 0.9, 15: 0.4, 20: 0.9})
    solver = with_tests(snapshot_prefix=str(tmp_path / "a" / "small"))
    seen: dict[int, list[bytes]] = {}
    solver.add_listener(lambda event: seen.setdefault(solver.iter, parameters(solver)))
    run = Run(solver, keep_best="accuracy").run()
    assert run.best is not None
    assert (run.best.iter, run.best.output, run.best.value) == (10, "accuracy", 0.9)  # the first of equals
    assert run.best.model == tmp_path / "a" / "small_best.caffemodel"
    loaded = Net(net_param(), weights=run.best.model, phase="train")
    assert [p.blob.data.tobytes() for p in loaded.learnable] == seen[10]
    assert parameters(solver) != seen[10]
    assert "best accuracy 0.9 at 10" in repr(run)


def test_of_a_loss_the_lowest_is_the_best(tmp_path: Path) -> None:
    solver = with_tests(snapshot_prefix=str(tmp_path / "small"))
    run = Run(solver, keep_best="loss").run()
    losses = dict(zip(*(curve.tolist() for curve in run.history.test_curve("loss")), strict=True))
    assert run.best is not None
    assert run.best.value == min(losses.values()) == losses[run.best.iter]
    assert run.best.iter > 0  # it learns


def test_patience_ends_a_training_that_gets_no_better(tmp_path: Path, scripted: dict[int, float]) -> None:
    scripted.update({0: 0.2, 5: 0.8, 10: 0.7, 15: 0.9, 20: 0.8, 25: 0.9, 30: 0.1, 35: 1.0})
    solver = with_tests(max_iter=1000, snapshot_prefix=str(tmp_path / "small"))
    run = train(solver, "patient", monitor=False, keep_best="accuracy", patience=3)
    run.wait(PATIENCE)
    assert (run.state, run.iter) == ("stopped", 31)  # after the iteration that the test had begun
    assert run.best is not None
    assert run.best.iter == 15
    told = run.history.warnings[-1].message
    assert told == "stopped: no better accuracy in 3 tests than 0.9 at iteration 15"


def test_what_cannot_be_kept_is_told_at_once() -> None:
    with pytest.raises(TrainingError, match=r"no such output \(did you mean 'accuracy'\?\)"):
        Run(with_tests(), keep_best="acuracy")
    with pytest.raises(TrainingError, match="has no test net"):
        Run(with_tests(test=[], test_iter=[], test_interval=0), keep_best="accuracy")
    with pytest.raises(TrainingError, match="at least 1"):
        Run(with_tests(), keep_best="accuracy", patience=0)
    with pytest.raises(TrainingError, match="say of what"):
        Run(with_tests(), patience=3)


def test_a_full_disk_costs_the_file_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Net, path: Any) -> None:
        raise DataError(f"{path}: no space left")

    solver = with_tests(snapshot_prefix=str(tmp_path / "small"))
    monkeypatch.setattr(Net, "save", full)
    run = Run(solver, keep_best="loss").run()
    assert run.state == "finished"
    assert run.best is None
    assert "best weights were not written" in run.history.warnings[0].message
