"""Going on from the newest snapshot that is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from owlkit.cli.main import main
from owlkit.solvers import Solver
from tests.training.small import NET

SOLVER = """net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 5
max_iter: 20 snapshot: 5 snapshot_prefix: "out/a"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training that was to do 20 iterations and did 12, with snapshots at 5, 10 and 12."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--solver", "solver.prototxt", "--set", "max_iter=12"]) == 0
    return tmp_path


def whole() -> bytes:
    """The weights after 20 iterations that nothing interrupted."""
    options = ["--set", "snapshot_prefix=whole", "--set", "snapshot=0"]
    assert main(["train", "--solver", "solver.prototxt", *options]) == 0
    return Path("whole_iter_20.caffemodel").read_bytes()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words", [["resume", "solver.prototxt"], ["train", "-solver", "solver.prototxt", "-snapshot", "auto"]]
)
def test_the_newest_snapshot(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(words) == 0
    assert "resuming out/a_iter_12.solverstate at iteration 12\n" in capsys.readouterr().out
    assert Path("out/a_iter_20.caffemodel").read_bytes() == whole()


@pytest.mark.usefixtures("folder")
def test_a_damaged_snapshot_is_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    newest = Path("out/a_iter_12.caffemodel")
    newest.write_bytes(newest.read_bytes()[:100])
    capsys.readouterr()
    assert main(["resume", "solver.prototxt"]) == 0
    out, err = capsys.readouterr()
    assert "passed over: " in err
    assert "out/a_iter_12" in err
    assert "resuming out/a_iter_10.solverstate at iteration 10\n" in out
    assert Path("out/a_iter_20.caffemodel").read_bytes() == whole()


@pytest.mark.usefixtures("folder")
def test_a_training_begun_anew_under_the_same_name(capsys: pytest.CaptureFixture[str]) -> None:
    """What the one before left at a higher iteration is not taken for its last snapshot."""
    assert main(["train", "-solver", "solver.prototxt", "--set", "max_iter=7", "--set", "base_lr=0.5"]) == 0
    capsys.readouterr()
    assert main(["resume", "solver.prototxt", "--set", "max_iter=9"]) == 0
    out, err = capsys.readouterr()
    assert "resuming out/a_iter_7.solverstate at iteration 7\n" in out
    assert "a_iter_7.solverstate was written last; a_iter_12.solverstate is older" in err
    assert "nothing to do" not in err


@pytest.mark.usefixtures("folder")
def test_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """`resume` refuses, `train --snapshot auto` begins: a job that is started again and again."""
    assert main(["resume", "solver.prototxt", "--set", "snapshot_prefix=b"]) == 1
    assert "there is no snapshot b_iter_N.solverstate to go on from" in capsys.readouterr().err
    again = ["train", "-solver", "solver.prototxt", "-snapshot", "auto", "--set", "snapshot_prefix=b"]
    assert main([*again, "-weights", "out/a_iter_5.caffemodel"]) == 0
    out, err = capsys.readouterr()
    assert "no snapshot b_iter_N.solverstate yet: beginning" in err
    assert "resuming" not in out
    assert main([*again, "-weights", "out/a_iter_5.caffemodel"]) == 0
    out, err = capsys.readouterr()
    assert "resuming b_iter_20.solverstate at iteration 20" in out
    assert "max_iter 20 is already reached" in err


@pytest.mark.usefixtures("folder")
def test_weights_of_the_solver_file_are_for_a_beginning() -> None:
    """As in Caffe: a snapshot wins over `weights` in the solver, which need not even be there any more."""
    Path("solver.prototxt").write_text(SOLVER + 'weights: "gone.caffemodel"')
    assert main(["resume", "solver.prototxt", "--set", "max_iter=13"]) == 0
    assert main(["train", "-solver", "solver.prototxt"]) == 1


@pytest.mark.usefixtures("folder")
def test_a_snapshot_and_weights(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", "-solver", "a", "-snapshot", "b", "-weights", "c"])
    assert stopped.value.code == 2
    assert "give one of them" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_rate_set_by_hand_is_told_and_can_be_replaced(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    solver = Solver("solver.prototxt")
    solver.restore("auto")
    solver.lr = 0.125
    solver.step(1)
    solver.snapshot()
    caplog.clear()
    assert main(["resume", "solver.prototxt", "--set", "max_iter=14"]) == 0
    assert (
        "the learning rate 0.125 was set by hand before out/a_iter_13.solverstate was written" in caplog.text
    )
    assert "lr_policy's learning rate again" not in capsys.readouterr().out
    assert main(["resume", "solver.prototxt", "--set", "base_lr=0.05"]) == 0
    assert "--set base_lr=0.05: lr_policy's learning rate again, 0.05\n" in capsys.readouterr().out
    assert main(["resume", "solver.prototxt", "--set", "max_iter=21"]) == 0
    assert "lr = 0.01" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_a_last_snapshot_that_cannot_be_written_is_told_before_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["train", "--solver", "solver.prototxt", "--set", "snapshot=0"]
    capsys.readouterr()
    assert main([*words, "--set", "snapshot_prefix=net.prototxt/a"]) == 1
    out, err = capsys.readouterr()
    assert "snapshot_prefix 'net.prototxt/a': " in err
    assert "Iteration" not in out
    unwritten = ["--set", "snapshot_after_train=false", "--set", "max_iter=1"]
    assert main([*words, "--set", "snapshot_prefix=net.prototxt/a", *unwritten]) == 0
