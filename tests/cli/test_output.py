"""Output that cannot be written: a line and status 1 on a full disk, silence where the reader has left."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.small import NET

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
# Whoever calls us may have asked Python to hold nothing back; users have not.
USUAL = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
SOLVER = """net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" random_seed: 1 solver_mode: CPU
display: 10 max_iter: 30 snapshot_prefix: "s"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return tmp_path


def on_a_full_disk(folder: Path, *words: str) -> tuple[int, list[str]]:
    """Exit status, and what is told on standard error."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "owlkit.cli.main", *words],
            cwd=folder,
            env=USUAL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize("words", [["train", "--help"], ["inspect", "net.prototxt"]], ids=" ".join)
def test_a_full_disk_is_told_in_a_line(folder: Path, words: list[str]) -> None:
    line = f"owlkit {words[0]}: the output cannot be written: No space left on device"
    assert on_a_full_disk(folder, *words) == (1, [line])


def test_it_is_told_once_of_a_line_that_is_written_at_once(folder: Path) -> None:
    """What is still buffered then is not tried again at the end."""
    words = ["train", "--solver", "solver.prototxt", "--snapshot", "auto"]
    subprocess.run(
        [sys.executable, "-m", "owlkit.cli.main", *words], cwd=folder, check=True, capture_output=True
    )
    line = "owlkit train: the output cannot be written: No space left on device"
    assert on_a_full_disk(folder, *words, "--set", "max_iter=31") == (1, [line])


def test_a_training_goes_on_when_what_it_tells_cannot_be_written(folder: Path) -> None:
    status, told = on_a_full_disk(folder, "train", "--solver", "solver.prototxt")
    assert status == 1
    line = "owlkit train: the output cannot be written: No space left on device; the training goes on"
    assert told == [line]
    assert (folder / "s_iter_30.caffemodel").is_file()


def test_why_a_training_has_failed_is_told_all_the_same(folder: Path) -> None:
    status, told = on_a_full_disk(folder, "train", "--solver", "solver.prototxt", "--set", "base_lr=1e30")
    assert status == 3
    assert told[0].endswith("No space left on device; the training goes on")
    assert told[1].startswith("owlkit train: the loss of iteration 1 is ")
    assert len(told) == 2


def test_a_training_ends_with_a_snapshot_when_its_reader_has_left(folder: Path) -> None:
    """`owlkit train ... | head -1`"""
    words = [sys.executable, "-m", "owlkit.cli.main", "train", "--solver", "solver.prototxt"]
    training = subprocess.Popen(
        [*words, "--set", "max_iter=100000000"],
        cwd=folder,
        env=USUAL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert training.stdout is not None
    assert training.stderr is not None
    try:
        assert training.stdout.readline().startswith("Iteration 0, loss")
        training.stdout.close()
        assert training.wait(60) == 1
        assert training.stderr.read() == ""
    finally:
        training.kill()
        training.communicate()
    assert len(list(folder.glob("s_iter_*.solverstate"))) == 1


# -- standard error
# As one gives it to a shell; the last leads nowhere that anybody reads.
LOST = {"full": "2>/dev/full", "closed": "2>&-", "nobody reads": "2> >(exec true)"}


def report(folder: Path, lost: str, *words: str) -> tuple[int, str]:
    """Exit status and standard output of a training with --json whose standard error cannot be written."""
    words = (
        sys.executable,
        "-m",
        "owlkit.cli.main",
        "train",
        "--solver",
        "solver.prototxt",
        "--json",
        *words,
    )
    line = f"{shlex.join(words)} {lost}"
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=USUAL, stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_the_report_is_written_whatever_becomes_of_standard_error(folder: Path, lost: str) -> None:
    status, told = report(folder, lost)
    found = json.loads(told)  # of one document: nothing that goes to standard error is in it
    assert (status, found["state"], found["iter"]) == (0, "finished", 30)
    assert (folder / found["snapshots"][0]["state"]).is_file()
    status, told = report(folder, lost, "--snapshot", "auto")
    assert (status, json.loads(told)["iter"]) == (0, 30)  # nothing to do, which nobody could be told


def test_the_status_says_that_a_training_has_failed_where_no_line_can(folder: Path) -> None:
    assert report(folder, "2>/dev/full", "--set", "base_lr=1e30") == (3, "")


def test_a_reader_of_both_that_has_left_ends_the_training(folder: Path) -> None:
    """`owlkit train --json ... 2>&1 | head -1`"""
    status, told = report(folder, "2>&1 | head -1; exit ${PIPESTATUS[0]}", "--set", "max_iter=100000000")
    assert status == 1
    assert told.startswith("Iteration 0, loss")
    assert len(list(folder.glob("s_iter_*.solverstate"))) == 1


def test_standard_output_that_is_closed_is_told(folder: Path) -> None:
    words = [sys.executable, "-m", "owlkit.cli.main", "train", "--solver", "solver.prototxt", "--json"]
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(words)} >&-"], cwd=folder, env=USUAL, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 1
    line = "owlkit train: the output cannot be written: Bad file descriptor"
    assert done.stderr.splitlines()[-1] == line
    assert (folder / "s_iter_30.caffemodel").is_file()
