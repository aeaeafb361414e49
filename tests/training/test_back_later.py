"""Going back in another process: which of the snapshots on disk led to the weights that it began with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import FileFormatError, TrainingError
from owlkit.solvers import Solver
from owlkit.training import Run

from .small import make_solver, parameters


def solver_of(folder: Path, **fields: Any) -> Solver:
    return make_solver(max_iter=10**9, snapshot_prefix=str(folder / "a"), **{"snapshot": 5, **fields})


def end_after(run: Run, iterations: int) -> None:
    run.step(iterations)
    run.stop()
    run.wait()


def later(folder: Path, state: int | str = "auto") -> Run:
    """As a new process has it that goes on."""
    solver = solver_of(folder)
    solver.restore(state if state == "auto" else folder / f"a_iter_{state}.solverstate")
    return Run(solver)


def offered(run: Run) -> str:
    """The iterations that one can go back to, the newest first."""
    with pytest.raises(TrainingError, match="come from no snapshot of iteration 999") as refused:
        run.back(999)
    return str(refused.value).partition("but from those of ")[2].partition(";")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Snapshots of 5 and 12; 5 was gone back to, then came 10 and 15."""
    run = Run(solver_of(tmp_path))
    run.step(12)
    run.snapshot()
    run.back(5, factor=None)
    end_after(run, 10)
    return tmp_path


def test_what_was_gone_back_from_is_not_offered(folder: Path) -> None:
    run = later(folder)
    assert run.iter == 15
    assert offered(run) == "15, 10, 5"
    run.step(3)
    run.snapshot()
    assert offered(run) == "18, 15, 10, 5"
    run.back(10)
    run.step(1)
    assert offered(run) == "10, 5"
    run.stop()
    run.wait()


def test_what_was_gone_back_from_may_be_gone_on_from(folder: Path) -> None:
    """Then the other branch is the one that was left, though it lies between two that led here."""
    run = later(folder, 12)
    assert offered(run) == "12, 5"
    end_after(run, 9)
    assert offered(later(folder)) == "20, 15, 12, 5"


def test_of_the_file_alone_it_is_known(folder: Path) -> None:
    """Those in between may have been removed, and files copied."""
    for path in folder.glob("a_iter_10.*"):
        path.unlink()
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes())
    assert offered(later(folder)) == "15, 5"


def test_those_of_another_training_under_the_same_prefix_are_not_offered(folder: Path) -> None:
    run = Run(solver_of(folder, snapshot=4))
    end_after(run, 14)
    assert offered(later(folder, 12)) == "12, 8, 4"
    solver = solver_of(folder, snapshot=6)
    solver.step(13)
    assert offered(Run(solver)) == "12, 6"


def test_of_files_that_do_not_say_all_are_offered(folder: Path) -> None:
    """Caffe's, up to where the training began."""
    for path in folder.glob("*.owl"):
        path.unlink()
    run = later(folder, 12)
    assert offered(run) == "12, 10, 5"
    end_after(run, 5)
    assert offered(later(folder)) == "15, 12, 10, 5"


def test_of_a_damaged_one_it_is_told(folder: Path) -> None:
    run = later(folder)
    for path in folder.glob("a_iter_*.owl"):
        path.write_text("cut")
    with pytest.raises(TrainingError, match=r"a_iter_15\.solverstate\.owl is damaged"):
        run.back()


DAMAGES: dict[str, Callable[[Any], Any]] = {
    "no spans": lambda line: [],
    "no list": lambda line: 7,
    "no time": lambda line: [*line[:-1], ["yesterday", None]],
    "no time zone": lambda line: [["2026-01-01T00:00:00", line[0][1]], *line[1:]],
    "an end": lambda line: line[:1],
    "in the future": lambda line: [["9000-01-01T00:00:00+00:00", None]],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_makes_no_sense_is_damage_and_changes_nothing(folder: Path, damage: str) -> None:
    sidecar = folder / "a_iter_15.solverstate.owl"
    document = json.loads(sidecar.read_bytes())
    document["content"]["line"] = DAMAGES[damage](document["content"]["line"])
    sidecar.write_text(json.dumps(document))
    solver = solver_of(folder)
    before = parameters(solver), solver.iter, solver.line
    with pytest.raises(FileFormatError, match=r"a_iter_15\.solverstate\.owl is damaged"):
        solver.restore(folder / "a_iter_15.solverstate")
    assert (parameters(solver), solver.iter, solver.line) == before
