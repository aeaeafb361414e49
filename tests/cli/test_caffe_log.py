"""`--caffe_log`: lines that scripts which read Caffe's logs can read."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from owlkit.cli import caffe_log
from owlkit.cli.main import main
from owlkit.training.log_files import read_log
from tests.training.small import NET

SOLVER = (
    'net: "net.prototxt" base_lr: 0.01 lr_policy: "step" gamma: 0.1 stepsize: 4 max_iter: 8 display: 2 '
    'test_iter: 3 test_interval: 4 random_seed: 5 snapshot_prefix: "a" solver_type: SGD'
)
# Written after the fields that awk and parse_log.py take from a line of glog's.
GLOG = re.compile(r"[IWE]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [\w.]+:\d+\] ")
UNTRAINED = "untrained weights: give --weights FILE to measure a trained net"
Say = Callable[[str], list[str]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command; the lines of its log without glog's prefix."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)

    def run(command: str) -> list[str]:
        assert main(command.split()) == 0
        out, err = capsys.readouterr()
        assert out == ""
        Path("log").write_text(err)
        assert all(GLOG.match(line) or line == UNTRAINED for line in err.splitlines()), err
        return [GLOG.sub("", line) for line in err.splitlines()]

    return run


def test_a_training(say: Say) -> None:
    log = logging.getLogger("owlkit")
    before = log.level, log.propagate, list(log.handlers)
    told = say("train --solver solver.prototxt --caffe_log")
    assert before == (log.level, log.propagate, log.handlers)
    assert told[1:4] == ["Solving small", "Learning Rate Policy: step", "Iteration 0, Testing net (#0)"]
    assert re.fullmatch(r" {4}Test net output #0: accuracy = \S+", told[4])
    assert re.fullmatch(r" {4}Test net output #1: loss = (\S+) \(\* 1 = \1 loss\)", told[5])
    pace = r"Iteration [0246] \(\S+ iter/s, \S+s/2 iters\), loss = \S+"
    assert [bool(re.fullmatch(pace, line)) for line in told].count(True) == 4
    assert "Snapshotting to binary proto file a_iter_8.caffemodel" in told
    assert "Snapshotting solver state to binary proto file a_iter_8.solverstate" in told
    loss = r" {4}Train net output #0: loss = (\S+) \(\* 1 = \1 loss\)"
    assert [bool(re.fullmatch(loss, line)) for line in told].count(True) == 4
    assert told[-1] == "Optimization Done."
    tables = read_log("log").tables()
    assert [row["NumIters"] for row in tables["train"]] == [0, 2, 4, 6]
    assert [row["LearningRate"] for row in tables["train"]] == pytest.approx([0.01, 0.01, 0.001, 0.001])
    assert [row["NumIters"] for row in tables["test"]] == [0, 4, 8]
    assert all(0 <= row["Seconds"] < 60 for rows in tables.values() for row in rows)
    told = say("resume solver.prototxt --set max_iter=9 --caffe_log")
    assert "Resuming from a_iter_8.solverstate" in told


def test_a_file_of_it(say: Say) -> None:
    """As glog's: a file of its own for each process, and a link to the newest."""
    say("train --solver solver.prototxt --log_dir logs")
    link = Path("logs/caffe.INFO")
    assert link.is_symlink()
    assert re.fullmatch(r"caffe\..+\.log\.INFO\.\d{8}-\d{6}\.\d+", str(link.readlink()))
    assert link.read_text() == Path("log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_file_that_finds_no_room_ends_and_the_training_goes_on(
    say: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(caffe_log, "_new_file", lambda folder: Path("/dev/full"))
    assert main(["train", "--solver", "solver.prototxt", "--log_dir", "logs"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if not GLOG.match(line)] == [
        "the log /dev/full ends here: No space left on device"
    ]
    assert lines[-1].endswith("Optimization Done.")
    assert Path("a_iter_8.caffemodel").exists()


def test_a_folder_that_takes_no_log(say: Say, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "--model", "net.prototxt", "--log_dir", "net.prototxt"]) == 1
    told = capsys.readouterr().err
    assert (
        told == "owlkit test: no log can be written into net.prototxt: File exists; give another --log_dir\n"
    )


def test_test_and_time(say: Say) -> None:
    told = say("test --model net.prototxt --iterations 2 --caffe_log")
    assert told[0] == UNTRAINED
    assert told[1] == "Running for 2 iterations."
    batches = [re.fullmatch(r"Batch (\d), (accuracy|loss) = (\S+)", line) for line in told[2:6]]
    assert [match and match.group(1, 2) for match in batches] == [
        (number, name) for number in "01" for name in ("accuracy", "loss")
    ]
    loss = float(told[6].removeprefix("Loss: "))
    assert loss == pytest.approx(np.mean([float(batches[i][3]) for i in (1, 3)]), rel=1e-4)  # type: ignore[index]
    assert told[7].startswith("accuracy = ")
    assert told[8:] == [f"loss = {loss:g} (* 1 = {loss:g} loss)"]
    told = say("time --model net.prototxt --iterations 1 --caffe_log")
    forward = next(line for line in told if line.startswith("Average Forward pass: "))
    assert re.fullmatch(r"Average Forward pass: \S+ ms\.", forward)
    assert told[-1] == "*** Benchmark ends ***"
