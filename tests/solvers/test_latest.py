"""The newest snapshot that is whole is found, whatever else lies in the folder."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from owlkit.core.errors import FileFormatError
from owlkit.io.solverstate import sidecar_path
from owlkit.solvers import line
from owlkit.solvers.latest import newest_sound, states_of
from tests.support.shared import shared
from tests.training.small import make_solver, parameters


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Snapshots after 2, 9 and 10 updates."""
    solver = make_solver(snapshot_prefix=str(tmp_path / "net"))
    for steps in (2, 7, 1):
        solver.step(steps)
        solver.snapshot()
    return tmp_path


def test_the_last_of_a_training(folder: Path) -> None:
    for name in ("net_iter_11.caffemodel", "network_iter_12.solverstate", "net_iter_x.solverstate"):
        (folder / name).write_bytes(b"another")
    (folder / "net_iter_13.solverstate").mkdir()
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert (found.state, found.iteration) == (folder / "net_iter_10.solverstate", 10)
    assert found.remarks == []
    resumed = make_solver(seed=8)
    resumed.restore(found.state)
    assert resumed.iter == 10


def test_none_at_all(tmp_path: Path) -> None:
    assert newest_sound(str(tmp_path / "net")) is None
    assert newest_sound(str(tmp_path / "no folder" / "net")) is None


def test_a_relative_prefix(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = newest_sound("net")
    assert found is not None
    assert found.state == Path("net_iter_10.solverstate")


def test_signs_of_patterns_in_a_prefix(tmp_path: Path) -> None:
    make_solver(snapshot_prefix=str(tmp_path / "a[1]*")).snapshot()
    assert newest_sound(str(tmp_path / "a[1]*")) is not None
    assert newest_sound(str(tmp_path / "a.1.*")) is None


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


@pytest.mark.parametrize("sidecar", [True, False])
@pytest.mark.parametrize("name", ["net_iter_10.caffemodel", "net_iter_10.solverstate"])
def test_a_file_cut_anywhere_is_passed_over(folder: Path, name: str, sidecar: bool) -> None:
    """Protobuf reads what ends between two fields: many lengths are tried, some such ends among them."""
    path = folder / name
    if not sidecar:  # as Caffe leaves it, which writes no sums
        sidecar_path(folder / "net_iter_10.solverstate").unlink()
    whole = path.read_bytes()
    loss = whole.rfind(b"\x04loss\x12\x0fSoftmaxWithLoss")
    complete = []
    for length in sorted({*range(0, len(whole), 11), *range(max(loss - 4, 0), max(loss, 0)), len(whole) - 2}):
        path.write_bytes(whole[:length])
        found = newest_sound(str(folder / "net"))
        assert found is not None
        if found.iteration == 10:
            complete.append(length)
        else:
            assert found.iteration == 9
            assert str(folder / "net_iter_10") in found.remarks[0]
    # Without sums, weights whose last layer has none pass without it: nothing that was learned is missing.
    assert all(loss - 4 <= length < loss for length in complete)
    assert bool(complete) == (not sidecar and name.endswith("model"))


def test_a_missing_or_damaged_companion(folder: Path) -> None:
    (folder / "net_iter_10.caffemodel").unlink()
    cut(sidecar_path(folder / "net_iter_9.solverstate"), 40)
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == 2
    assert "its weights" in found.remarks[0]
    assert "delete it to go on" in found.remarks[1]


def test_weights_of_a_training_begun_anew_beside_the_state_of_the_old(folder: Path) -> None:
    """What is left where a machine stops between the renames of a snapshot that replaces another."""
    other = make_solver(seed=8, snapshot_prefix=str(folder / "other"))
    other.step(10)
    other.snapshot()[0].replace(folder / "net_iter_10.caffemodel")
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == 9
    assert "or not the one written with" in found.remarks[0]


def test_none_is_whole(folder: Path) -> None:
    for path in folder.glob("*.caffemodel"):
        cut(path, 20)
    with pytest.raises(FileFormatError, match=r"3 snapshots .*none is whole; move them away"):
        newest_sound(str(folder / "net"))


def without_sidecars(folder: Path) -> None:
    """As Caffe leaves it."""
    for path in folder.glob("*.owl"):
        path.unlink()


def touch(path: Path, seconds: float) -> None:
    later = path.stat().st_mtime + seconds
    os.utime(path, (later, later))


def test_what_a_training_went_back_from_is_not_the_newest(folder: Path) -> None:
    solver = make_solver(snapshot_prefix=str(folder / "net"))
    solver.restore(folder / "net_iter_2.solverstate")
    solver.step(3)
    solver.snapshot()
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == 5
    assert found.remarks == [
        "net_iter_5.solverstate was written last; net_iter_10.solverstate is older, of an earlier training "
        "or one that went back: name it to use it"
    ]
    resumed = make_solver(snapshot_prefix=str(folder / "net"))
    assert resumed.restore("auto") == folder / "net_iter_5.solverstate"
    assert parameters(resumed) == parameters(solver)
    assert "net_iter_10.solverstate is older" in resumed.notices[-1]


def test_a_torn_newest_falls_back_to_the_one_written_before(folder: Path) -> None:
    solver = make_solver(snapshot_prefix=str(folder / "net"), base_lr=0.5)
    for _ in range(3):
        solver.step(2)
        solver.snapshot()
    cut(folder / "net_iter_6.caffemodel", 40)
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == 4
    assert "net_iter_6" in found.remarks[0]
    assert "net_iter_10.solverstate is older" in found.remarks[1]


def test_a_copy_in_any_order_changes_nothing(folder: Path) -> None:
    """`cp` goes by names, where 10 comes before 2, and gives new times."""
    for seconds, iteration in enumerate((10, 2, 9)):
        touch(folder / f"net_iter_{iteration}.solverstate", 10_000 * (seconds + 1))
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert (found.iteration, found.remarks) == (10, [])


def test_a_clock_that_was_put_back_does_not_make_a_snapshot_older(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Yesterday:
            return cls.fromtimestamp(time.time() - 86_400, tz)

    monkeypatch.setattr(line, "datetime", Yesterday)
    solver = make_solver(snapshot_prefix=str(folder / "net"))
    solver.restore("auto")
    for _ in range(2):
        solver.step(1)
        solver.snapshot()
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert (found.iteration, found.remarks) == (12, [])


@pytest.mark.parametrize(("hours", "expected"), [(0.5, 10), (2, 2)])
def test_without_sidecars_only_times_far_apart_count(folder: Path, hours: float, expected: int) -> None:
    without_sidecars(folder)
    touch(folder / "net_iter_2.solverstate", 3600 * hours)
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == expected
    (remark,) = found.remarks
    if expected == 10:
        assert "but the file net_iter_2.solverstate is younger" in remark
    else:
        assert "net_iter_10.solverstate is older" in remark


def test_a_snapshot_of_today_and_one_that_caffe_wrote_yesterday(folder: Path) -> None:
    sidecar_path(folder / "net_iter_10.solverstate").unlink()
    touch(folder / "net_iter_10.solverstate", -86_400)
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == 9


def test_a_time_that_is_none_is_damage(folder: Path) -> None:
    sidecar = sidecar_path(folder / "net_iter_10.solverstate")
    for spoilt in ("yesterday", "2026-11-21T16:00:00"):
        document = json.loads(sidecar.read_text())
        sidecar.write_text(json.dumps({**document, "written": spoilt}))
        found = newest_sound(str(folder / "net"))
        assert found is not None
        assert found.iteration == 9
        assert f"{sidecar} is damaged" in found.remarks[0]


def test_without_sidecars(folder: Path) -> None:
    without_sidecars(folder)
    found = newest_sound(str(folder / "net"))
    assert found is not None
    assert found.iteration == 10


def test_caffes_own_snapshots() -> None:
    prefixes = {str(p).split("_iter_")[0] for p in shared("golden/solvers").glob("*.solverstate")}
    assert prefixes
    for prefix in prefixes:
        assert [iteration for iteration, _ in states_of(prefix)][-1] == 5
        found = newest_sound(prefix)
        assert found is not None
        assert (found.iteration, found.remarks) == (10, [])


def test_it_is_what_was_trained(folder: Path) -> None:
    whole = make_solver()
    whole.step(10)
    found = newest_sound(str(folder / "net"))
    assert found is not None
    resumed = make_solver(seed=8)
    resumed.restore(found.state)
    assert parameters(resumed) == parameters(whole)
