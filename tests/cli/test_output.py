"""Output that cannot be written: a line and status 1 on a full disk, silence where the reader has left."""

from __future__ import annotations

import os
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
