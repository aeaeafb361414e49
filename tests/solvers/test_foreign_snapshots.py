"""What another process has written since a training began is not written over."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import TrainingError
from owlkit.solvers import Solver, line
from owlkit.training import Run
from tests.training.small import make_solver

ROOT = Path(__file__).resolve().parents[2]
LOOP = """import sys
from tests.training.small import make_solver
solver = make_solver(snapshot=2, snapshot_prefix=sys.argv[1])
for _ in range(int(sys.argv[2])):
    solver.step(1)
"""


def solver_of(folder: Path, **fields: Any) -> Solver:
    return make_solver(snapshot=2, snapshot_prefix=str(folder / "a"), **fields)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Training for n iterations from the beginning, as another process does."""

    def train(folder: Path, iterations: int) -> None:
        solver_of(folder).step(iterations)
        monkeypatch.setattr(line, "_written_here", set())

    return train


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_of_two_processes_that_loop_the_second_is_told(tmp_path: Path) -> None:
    solver = solver_of(tmp_path)
    solver.step(1)
    subprocess.run([sys.executable, "-c", LOOP, str(tmp_path / "a"), "3"], cwd=ROOT, check=True)
    before = content(tmp_path)
    assert len(before) == 3
    with pytest.raises(TrainingError, match=r"a_iter_2\.solverstate was written by another process \("):
        solver.step(1)
    assert content(tmp_path) == before
    assert solver.iter == 2


def test_under_another_prefix_it_goes_on_with_what_was_due(tmp_path: Path, elsewhere: Any) -> None:
    solver = solver_of(tmp_path)
    solver.step(1)
    elsewhere(tmp_path, 2)
    with pytest.raises(TrainingError, match="written by another process"):
        solver.step(1)
    solver.param.snapshot_prefix = str(tmp_path / "b")
    solver.step(2)
    assert (tmp_path / "b_iter_2.solverstate").is_file()
    assert (tmp_path / "b_iter_4.solverstate").is_file()


def test_a_notebook_left_open_does_not_undo_what_a_shell_went_on_with(tmp_path: Path, elsewhere: Any) -> None:
    run = Run(solver_of(tmp_path, max_iter=2)).run()
    elsewhere(tmp_path, 4)
    run.max_iter = 4
    with pytest.raises(TrainingError, match=r"a_iter_4\.solverstate was written by another process"):
        run.run()
    solver = run.solver
    solver.restore("auto")
    solver.step(2)
    assert (tmp_path / "a_iter_6.solverstate").is_file()
    solver.restore(tmp_path / "a_iter_2.solverstate")
    solver.step(2)  # who has restored has seen what there is


def test_who_begins_anew_writes_over_what_there_is(tmp_path: Path, elsewhere: Any) -> None:
    """As in Caffe; also where the solver was made before."""
    solver, run = solver_of(tmp_path), Run(solver_of(tmp_path, max_iter=2))
    elsewhere(tmp_path, 2)
    before = content(tmp_path)
    solver.step(2)
    assert content(tmp_path) != before
    elsewhere(tmp_path, 2)
    run.run()


def test_within_a_process_nobody_is_refused(tmp_path: Path) -> None:
    first, second = solver_of(tmp_path), solver_of(tmp_path)
    for solver in (first, second, first, second):
        solver.step(1)


def test_a_sidecar_that_cannot_be_read_is_written_over(tmp_path: Path) -> None:
    solver = solver_of(tmp_path)
    solver.step(1)
    (tmp_path / "a_iter_2.solverstate.owl").write_text("cut")
    solver.step(1)
    solver_of(tmp_path).restore("auto")


def test_a_clock_that_was_put_back_refuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there when a training began, or went on, has times that are still to come."""

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Tomorrow:
            return cls.fromtimestamp(time.time() + 86_400, tz)

    with monkeypatch.context() as patch:
        patch.setattr(line, "datetime", Tomorrow)
        solver_of(tmp_path).step(6)
    monkeypatch.setattr(line, "_written_here", set())
    solver = solver_of(tmp_path)
    solver.restore(tmp_path / "a_iter_2.solverstate")
    solver.step(2)  # writes over that of iteration 4
    monkeypatch.setattr(line, "_written_here", set())
    (tmp_path / "a_iter_6.solverstate.owl").write_text("cut")  # which says nothing
    solver_of(tmp_path).step(4)


class Shifted(datetime):
    """The clock of a machine that goes by `hours` before ours."""

    hours = 0.0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Shifted:
        return cls.fromtimestamp(time.time() + 3600 * cls.hours, tz)


@pytest.mark.parametrize("hours", [-1.0, 1.0])
def test_clocks_of_two_machines_need_not_agree(
    hours: float, tmp_path: Path, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another machine has written meanwhile is kept, what was there before is written over."""
    monkeypatch.setattr(Shifted, "hours", hours)

    def there(iterations: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(line, "datetime", Shifted)
            elsewhere(tmp_path, iterations)

    there(2)
    solver_of(tmp_path).step(2)
    monkeypatch.setattr(line, "_written_here", set())
    solver = solver_of(tmp_path)
    solver.step(1)
    there(2)
    before = content(tmp_path)
    with pytest.raises(TrainingError, match="written by another process"):
        solver.step(1)
    assert content(tmp_path) == before


def test_a_loop_of_ones_own_begins_anew_as_well(
    tmp_path: Path, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shifted, "hours", 1.0)
    solver = solver_of(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(line, "datetime", Shifted)
        elsewhere(tmp_path, 2)
    for _ in range(2):
        solver.net.forward_backward()
        solver.apply_update()
    solver.snapshot()
    elsewhere(tmp_path, 2)
    with pytest.raises(TrainingError, match="written by another process"):
        solver.snapshot()


def test_a_sidecar_that_a_killed_process_has_left_is_written_over(tmp_path: Path, elsewhere: Any) -> None:
    """It is renamed into place before its state."""
    elsewhere(tmp_path, 2)
    for path in tmp_path.glob("a_iter_2*"):
        if path.suffix != ".owl":
            path.unlink()
    solver_of(tmp_path).step(2)
    assert (tmp_path / "a_iter_2.solverstate").is_file()
