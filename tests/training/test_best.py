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


def test_a_test_that_is_asked_for_again_costs_no_patience(tmp_path: Path, scripted: dict[int, float]) -> None:
    """Who looks at a run that stands, or raises max_iter: the weights are those that were tested."""
    scripted.update({0: 0.2, 5: 0.9, 10: 0.7, 15: 0.8, 20: 0.8, 25: 0.8})
    solver = with_tests(max_iter=10, snapshot_prefix=str(tmp_path / "small"))
    run = Run(solver, keep_best="accuracy", patience=3).run()
    for _ in range(5):
        run._publish(events.TestDone(10, 0, "small", {"accuracy": 0.7}, None, 0.0))
    run.max_iter = 40
    run.run()
    assert (run.state, run.iter) == ("stopped", 26)  # as many tests again after the end: 15, 20, 25


def test_patience_that_ends_with_the_training_says_nothing(
    tmp_path: Path, scripted: dict[int, float]
) -> None:
    scripted.update({0: 0.9, 5: 0.2, 10: 0.2})
    solver = with_tests(max_iter=10, snapshot_prefix=str(tmp_path / "small"))
    run = Run(solver, keep_best="accuracy", patience=2).run()
    assert run.state == "finished"
    assert run.history.warnings == []


def test_tests_that_are_no_numbers_end_it_too(tmp_path: Path, scripted: dict[int, float]) -> None:
    scripted.update(dict.fromkeys(range(0, 50, 5), float("nan")))
    solver = with_tests(max_iter=40, snapshot_prefix=str(tmp_path / "small"))
    run = Run(solver, keep_best="accuracy", patience=2).run()
    assert (run.state, run.best) == ("stopped", None)
    assert run.history.warnings[-1].message == "stopped: no better accuracy in 2 tests as none was a number"
    assert list(tmp_path.iterdir()) == []


def test_who_goes_back_is_given_as_many_tests_again(tmp_path: Path, scripted: dict[int, float]) -> None:
    scripted.update({0: 0.2, 5: 0.9, 10: 0.7, 15: 0.8, 20: 0.8})
    solver = with_tests(max_iter=15, snapshot=10, snapshot_prefix=str(tmp_path / "small"))
    run = Run(solver, keep_best="accuracy", patience=3).run()
    run.max_iter = 20
    run.back(10)
    run.wait(PATIENCE)
    assert (run.state, run.iter) == ("finished", 20)
    assert run.best is not None
    assert run.best.iter == 5


def test_who_goes_on_elsewhere_writes_nothing_worse_over_the_best(
    tmp_path: Path, scripted: dict[int, float]
) -> None:
    """As after a kill. Who begins anew writes over it, as over snapshots."""
    scripted.update({0: 0.2, 5: 0.9, 10: 0.7, 15: 0.8, 20: 0.95})
    fields = {"snapshot": 5, "snapshot_prefix": str(tmp_path / "small")}
    Run(with_tests(max_iter=12, **fields), keep_best="accuracy").run()
    file = tmp_path / "small_best.caffemodel"
    before = file.read_bytes()
    for until, at in ((17, 5), (22, 20)):
        solver = with_tests(max_iter=until, **fields)
        solver.restore("auto")
        run = Run(solver, keep_best="accuracy").run()
        assert run.best is not None
        assert (run.best.iter, run.best.model) == (at, file)
        assert (file.read_bytes() == before) == (at == 5)
    anew = Run(with_tests(max_iter=2, **fields), keep_best="accuracy").run()
    assert anew.best is not None
    assert (anew.best.iter, anew.best.value) == (0, 0.2)


def test_a_note_that_is_damaged_is_as_none(tmp_path: Path, scripted: dict[int, float]) -> None:
    scripted.update({0: 0.2, 5: 0.9, 10: 0.7})
    fields = {"snapshot": 5, "snapshot_prefix": str(tmp_path / "small")}
    Run(with_tests(max_iter=7, **fields), keep_best="accuracy").run()
    (tmp_path / "small_best.caffemodel.owl").write_text("cut")
    solver = with_tests(max_iter=12, **fields)
    solver.restore("auto")
    run = Run(solver, keep_best="accuracy").run()
    assert run.best is not None
    assert run.best.iter in (5, 10)


def test_values_of_a_vector_are_named_as_tests_name_them(tmp_path: Path) -> None:
    net = net_param()
    accuracy = next(layer for layer in net.layer if layer.type == "Accuracy")
    accuracy.top.append("each")
    solver = with_tests(test=net, snapshot_prefix=str(tmp_path / "small"))
    with pytest.raises(TrainingError, match=r"no such output \(did you mean 'each\[0\]'\?\)"):
        Run(solver, keep_best="each")
    run = Run(solver, keep_best="each[1]").run()
    assert run.best is not None
    assert run.best.output == "each[1]"


def test_a_loss_that_is_only_looked_at_is_one(tmp_path: Path) -> None:
    net = net_param()
    next(layer for layer in net.layer if layer.name == "loss").loss_weight.append(0)
    solver = with_tests(test=net, snapshot_prefix=str(tmp_path / "small"))
    run = Run(solver, keep_best="loss").run()
    assert run.best is not None
    assert run.best.value == min(run.history.test_curve("loss")[1])


def test_two_runs_do_not_keep_theirs_in_one_file(tmp_path: Path) -> None:
    fields = {"snapshot_prefix": str(tmp_path / "small"), "max_iter": 10_000_000}
    first = Run(with_tests(**fields), "first", keep_best="loss").start()
    try:
        with pytest.raises(TrainingError, match=r"'first'.*writes to the same snapshots"):
            train(with_tests(**fields), "second", monitor=False, keep_best="loss")
        train(with_tests(**{**fields, "max_iter": 2}), "third", monitor=False).wait(PATIENCE)  # keeps none
    finally:
        first.stop()
        first.wait(PATIENCE)
