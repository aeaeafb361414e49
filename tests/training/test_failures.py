"""What is left where an error ends a training, and how it goes on."""

from __future__ import annotations

import errno
import math
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import DataError, DeviceError, TrainingError
from owlkit.io import files
from owlkit.solvers import Solver
from owlkit.training import Run, TextMonitor
from tests.training.small import make_solver, parameters

WHOLE = "The weights of iteration 7 are whole: run.snapshot() writes them"


def failing(solver: Solver, at: int, error: Exception) -> None:
    """Let the pass after `at` updates fail once."""
    straight = solver.net.forward_backward

    def forward_backward() -> float:
        if solver.iter == at:
            solver.net.forward_backward = straight
            raise error
        return straight()

    solver.net.forward_backward = forward_backward


def failed(folder: Path, error: Exception, at: int = 7, save: bool = False, **fields: Any) -> Run:
    """A run that has failed so."""
    solver = make_solver(**{"snapshot_prefix": str(folder / "a"), "snapshot_after_train": True, **fields})
    failing(solver, at, error)
    run = Run(solver, save_on_failure=save)
    with pytest.raises(type(error)):
        run.run()
    assert (run.state, run.iter) == ("failed", at)
    return run


@pytest.mark.parametrize("error", [DataError("damaged"), ValueError("of a layer's own")])
def test_what_was_learned_is_saved_and_goes_on_as_if_nothing_had_been(
    tmp_path: Path, error: Exception
) -> None:
    run = failed(tmp_path, error, save=True)
    assert [Path(written.state).name for written in run.history.snapshots] == ["a_iter_7.solverstate"]
    again, straight = make_solver(snapshot_prefix=str(tmp_path / "a")), make_solver()
    again.restore("auto")
    again.step(13)
    straight.step(20)
    assert parameters(again) == parameters(straight)


@pytest.mark.parametrize(
    ("error", "at", "fields"),
    [
        (TrainingError("about weights"), 7, {}),
        (DeviceError("its memory is lost"), 7, {}),
        (DataError("at the beginning"), 0, {}),
        (DataError("of a test, say"), 7, {"snapshot": 7}),
        (DataError("none is wanted"), 7, {"snapshot_after_train": False}),
    ],
    ids=str,
)
def test_what_is_not_to_be_saved(tmp_path: Path, error: Exception, at: int, fields: Any) -> None:
    run = failed(tmp_path, error, at, save=True, **fields)
    assert len(run.history.snapshots) == int("snapshot" in fields)
    if fields.get("snapshot_after_train", True):
        assert "are whole" not in failed(tmp_path / "b", error, at, **fields).history.states[-1].reason


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"), snapshot_after_train=True)
    run = Run(solver, save_on_failure=True)
    straight = solver.net.forward_backward

    def forward_backward() -> float:
        if solver.iter < 7:
            return straight()
        solver.net.params["ip1"][0].data[...] = math.nan
        raise DataError("damaged")

    solver.net.forward_backward = forward_backward
    with pytest.raises(DataError):
        run.run()
    assert not list(tmp_path.iterdir())
    assert "no snapshot was written: parameter ip1[0]" in run.history.warnings[-1].message


def test_in_a_notebook_it_is_said_what_can_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = failed(tmp_path, DataError("damaged"))
    assert run.history.states[-1].reason.startswith(f"DataError: damaged\n{WHOLE}, run.resume() tries again")
    monitor = TextMonitor(run)
    monitor.show(run.history.states[-1])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("(DataError: damaged)")
    assert lines[1].startswith(f"  {WHOLE}")
    saved = run.snapshot()
    assert saved is not None
    assert saved[1].is_file()
    run.resume()
    run.wait()
    assert (run.state, run.iter) == ("finished", 20)


class Disk:
    """A disk that is full, or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full, fsync = True, files.os.fsync

        def limited(descriptor: int) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            fsync(descriptor)

        monkeypatch.setattr(files.os, "fsync", limited)


@pytest.mark.parametrize(
    ("fields", "first"), [({"snapshot": 5}, 5), ({}, 20), ({"snapshot": 20}, 20)], ids=str
)
def test_a_snapshot_for_which_there_was_no_room_is_tried_again_at_once(
    tmp_path: Path, fields: Any, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At an interval, and as the last of a training."""
    disk = Disk(monkeypatch)
    run = Run(make_solver(snapshot_prefix=str(tmp_path / "a"), snapshot_after_train=True, **fields))
    for attempt in (run.run, lambda: (run.resume(), run.wait())):
        with pytest.raises(DataError, match=rf"no room to write .*a_iter_{first}\.caffemodel"):
            attempt()
        assert (run.state, run.iter) == ("failed", first)
        assert run.history.states[-1].reason.endswith("\nrun.resume() tries the snapshot again and goes on.")
    disk.full = False
    run.resume()
    run.wait()
    assert run.state == "finished"
    assert [event.iter for event in run.history.snapshots] == list(range(first, 21, 5))
    with pytest.raises(TrainingError, match="finished at iteration 20"):
        run.resume()
    straight = make_solver()
    straight.step(20)
    assert parameters(run.solver) == parameters(straight)


def test_one_written_by_hand_or_not_wanted_any_more_is_not_owed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    solvers = [make_solver(snapshot_prefix=str(tmp_path / name), snapshot=5) for name in "ab"]
    for solver in solvers:
        with pytest.raises(DataError, match="no room"):
            solver.step(7)
        assert (solver.iter, solver.owes_snapshot) == (5, True)
    solvers[0].param.snapshot = 0
    solvers[0].step(2)
    disk.full = False
    solvers[1].snapshot()
    written = (tmp_path / "b_iter_5.solverstate").stat().st_mtime_ns
    solvers[1].step(2)
    assert (tmp_path / "b_iter_5.solverstate").stat().st_mtime_ns == written


def test_what_was_restored_is_on_the_disk_and_owes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, earlier = Disk(monkeypatch), make_solver(snapshot_prefix=str(tmp_path / "a"))
    disk.full = False
    earlier.step(2)
    _, state = earlier.snapshot()
    disk.full = True
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"), snapshot=5, snapshot_after_train=True)
    with pytest.raises(DataError, match="no room"):
        solver.step(5)
    solver.restore(state)
    assert (solver.owes_snapshot, solver.is_saved) == (False, True)
    failing(solver, 2, ValueError("at once"))
    with pytest.raises(ValueError, match="at once"):
        Run(solver, save_on_failure=True).run()  # there is no room, and none is needed
