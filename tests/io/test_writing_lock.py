"""One process at a time writes snapshots of a prefix."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from owlkit.core.errors import TrainingError
from owlkit.io import files, writing_lock
from owlkit.io.writing_lock import WritingLock
from owlkit.solvers import Solver
from owlkit.training import Run, train
from tests.training.small import make_solver

HOLD = """import sys
from owlkit.io.writing_lock import WritingLock
lock = WritingLock(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
lock.release()
print("released", flush=True)
sys.stdin.readline()
"""


@contextmanager
def other_process(prefix: object) -> Iterator[subprocess.Popen[str]]:
    """A process that writes to `prefix` until it is told a line, or killed."""
    command = [sys.executable, "-c", HOLD, str(prefix)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_another_process_is_refused_until_it_is_released(tmp_path: Path) -> None:
    with other_process(tmp_path / "a") as process:
        since = r"since \d{4}-\d\d-\d\d \d\d:\d\d"
        told = rf"process {process.pid} on .* {since} writes snapshots .*/a_iter_\*: wait .*remove .*-lock-a$"
        with pytest.raises(TrainingError, match=told):
            WritingLock(str(tmp_path / "a"))
        WritingLock(str(tmp_path / "b")).release()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "released\n"
        with WritingLock(str(tmp_path / "a")):
            assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_lock_falls_with_its_process(tmp_path: Path) -> None:
    with other_process(tmp_path / "a") as process:
        process.kill()
        process.wait()
        assert list(tmp_path.iterdir())
        WritingLock(str(tmp_path / "a")).release()
    assert list(tmp_path.iterdir()) == []


def test_writing_snapshots_does_not_drop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record lock falls when any descriptor of its file is closed: what sweeps up must not open it."""
    monkeypatch.setattr(files, "GRACE_SECONDS", 0)
    prefix = tmp_path / "snapshot-of-a"
    with WritingLock(str(prefix)):
        make_solver(snapshot_prefix=str(prefix)).snapshot()
        with pytest.raises(AssertionError), other_process(prefix):
            pass


def test_a_file_removed_by_hand_is_no_lock_any_more(tmp_path: Path) -> None:
    """As the message tells who knows that the other is gone; who had it does not take the new one away."""
    with other_process(tmp_path / "a") as process:
        (file,) = tmp_path.iterdir()
        file.unlink()
        with WritingLock(str(tmp_path / "a")):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "released\n"
            assert list(tmp_path.iterdir()) == [file]
            with pytest.raises(AssertionError), other_process(tmp_path / "a"):
                pass


def test_a_file_that_its_owner_removes_before_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking: a lock on what has no name any more would keep nobody away."""
    lockf, removed = fcntl.lockf, []

    def late(descriptor: int, operation: int) -> None:
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        lockf(descriptor, operation)

    monkeypatch.setattr(fcntl, "lockf", late)
    with WritingLock(str(tmp_path / "a")) as lock:
        assert removed == [lock.file]
        with pytest.raises(AssertionError), other_process(tmp_path / "a"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_within_a_process_it_may_be_held_many_times(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    first, second = WritingLock(str(tmp_path / "a")), WritingLock(str(tmp_path / "link" / "a"))
    first.release()
    first.release()
    assert second.file.is_file()
    second.release()
    assert not second.file.exists()


def test_a_file_system_without_locks_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    monkeypatch.setattr(writing_lock, "_lockless", set())
    for _ in range(2):
        with WritingLock(str(tmp_path / "a")):
            assert list(tmp_path.iterdir()) == []
    (record,) = caplog.records
    assert "has no locks (No locks available)" in record.getMessage()


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(TrainingError, match=r"-lock-a, which says .* belongs to another user: remove it"):
        WritingLock(str(tmp_path / "a"))


def solver_of(folder: Path, **fields: object) -> Solver:
    return make_solver(snapshot_prefix=str(folder / "a"), **fields)


def test_who_trains_is_refused_before_the_first_iteration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = re.escape(f"{tmp_path}/a_iter_*")
    with other_process(tmp_path / "a"):
        for fields in ({"snapshot": 5}, {"snapshot_after_train": True}):
            solver = solver_of(tmp_path, **fields)
            for action in (solver.solve, lambda: Run(solver).start(), lambda: train(solver)):  # noqa: B023
                with pytest.raises(TrainingError, match=told):
                    action()
            assert solver.iter == 0
        assert capsys.readouterr().out == "", "a monitor of nothing"
        solver = solver_of(tmp_path, snapshot=5)
        solver.step(4)
        with pytest.raises(TrainingError, match=told):
            solver.step(1)
        assert solver.iter == 4
        with pytest.raises(TrainingError, match=told):
            solver_of(tmp_path).snapshot()
        solver_of(tmp_path).solve()  # writes none
        assert not list(tmp_path.glob("a_iter*"))


def test_a_step_that_was_refused_does_not_pause_a_later_start(tmp_path: Path) -> None:
    run = Run(solver_of(tmp_path, snapshot=5))
    with other_process(tmp_path / "a"), pytest.raises(TrainingError, match="writes snapshots"):
        run.step()
    run.start()
    assert run.wait_until("finished", "paused")
    assert run.state == "finished"


def test_who_reads_is_not_refused(tmp_path: Path) -> None:
    solver_of(tmp_path, snapshot=5).step(5)
    with other_process(tmp_path / "a"):
        assert solver_of(tmp_path).restore("auto") == tmp_path / "a_iter_5.solverstate"


def test_a_run_holds_it_to_its_end(tmp_path: Path) -> None:
    run = Run(solver_of(tmp_path, snapshot=10**6, max_iter=10**7)).start()
    run.pause()
    with pytest.raises(AssertionError), other_process(tmp_path / "a"):
        pass
    run.stop()
    run.wait()
    with other_process(tmp_path / "a"):
        pass
