"""What a user sees when something goes wrong at the shell, and that nothing is lost by it.

Each case trains up to a snapshot, then fails. The snapshot must be as it was, nothing else may be left,
and once the cause is removed the training must go on from it as if nothing had happened.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from owlkit.cli.main import main
from owlkit.io.datum import array_to_datum
from owlkit.io.writer import RecordWriter
from owlkit.net import Net
from tests.support.sets import random_images

NET = """name: "records"
layer { name: "mnist" type: "Data" top: "data" top: "label" transform_param { scale: 0.01 mirror: true }
        data_param { source: "set_lmdb" batch_size: 2 backend: LMDB } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "drop" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "drop" bottom: "label" top: "loss" }
"""
SOLVER = """net: "net.prototxt" base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" random_seed: 5
max_iter: 6 display: 1 snapshot: 2 snapshot_prefix: "out/a"
"""
BAD = 9  # number of the record that is spoilt: batch 4 of 2 records each has records 8 and 9
IMAGES = random_images(20, (1, 6, 5))


class Failing:
    """A working directory in which a training has reached iteration 4, and what was written by then."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        (folder / "net.prototxt").write_text(NET)
        (folder / "solver.prototxt").write_text(SOLVER)
        self.write_set()
        assert self.train("--set", "max_iter=4")[0] == 0
        self.before = self.files()
        assert "out/a_iter_4.solverstate" in self.before

    def write_set(self, image: np.ndarray | None = None, label: int = 0) -> None:
        """The set, with record BAD as given."""
        with RecordWriter(self.folder / "set_lmdb", overwrite=True) as writer:
            for i, good in enumerate(IMAGES):
                bad = i == BAD and image is not None
                datum = array_to_datum(image if bad else good, label if bad else i % 3)
                writer.put(f"{i:08d}", datum.SerializeToString())

    def files(self) -> dict[str, bytes]:
        """Everything below out/, hidden files included."""
        paths = sorted(path for path in (self.folder / "out").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    def train(self, *options: str) -> tuple[int, str, list[str]]:
        """(exit status, standard output, lines on standard error)."""
        self._capsys.readouterr()
        status = main(["train", "-solver", "solver.prototxt", *options])
        out, err = self._capsys.readouterr()
        return status, out, err.strip().splitlines()

    def resume(self, *options: str) -> tuple[int, str, list[str]]:
        return self.train("-snapshot", "out/a_iter_4.solverstate", *options)

    def fail(self, expected: int = 1) -> str:
        """Resume, which must fail and change nothing; what is said: one line, or a place in a file marked."""
        status, _, said = self.resume()
        assert status == expected
        assert len(said) == 1 or said[-1].strip() == "^"
        assert self.files() == self.before
        return said[0]

    def recover(self) -> None:
        """Go on, and from the beginning without any failure: the same bits."""
        assert self.resume()[0] == 0
        assert self.train("--set", "snapshot_prefix=whole", "--set", "snapshot=0")[0] == 0
        resumed = (self.folder / "out/a_iter_6.caffemodel").read_bytes()
        assert resumed == (self.folder / "whole_iter_6.caffemodel").read_bytes()


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Failing:
    monkeypatch.chdir(tmp_path)
    return Failing(tmp_path, capsys)


def test_a_truncated_prototxt(failing: Failing) -> None:
    path = failing.folder / "net.prototxt"
    path.write_text(NET[: NET.index("weight_filler") + len("weight_filler { ")])
    said = failing.fail()
    assert "owlkit train: net.prototxt:5:60: file ends inside weight_filler opened at line 5" in said
    path.write_text(NET)
    failing.recover()


@pytest.mark.parametrize("following", ['layer { name: "ip"', 'layer { name: "loss"', 'name: "records"'])
def test_a_prototxt_truncated_between_layers(failing: Failing, following: str) -> None:
    """It reads well, but trains nothing."""
    (failing.folder / "net.prototxt").write_text(NET[: NET.index(following)])
    assert "has no loss, so nothing can be learned" in failing.fail()


def test_a_missing_set(failing: Failing) -> None:
    (failing.folder / "set_lmdb").rename(failing.folder / "moved_lmdb")
    said = failing.fail()
    assert "mnist (Data): there is no LMDB set set_lmdb" in said
    assert "beside it are moved_lmdb" in said
    (failing.folder / "moved_lmdb").rename(failing.folder / "set_lmdb")
    failing.recover()


def test_a_record_of_the_wrong_size(failing: Failing) -> None:
    failing.write_set(np.zeros((1, 5, 6), np.uint8))
    said = failing.fail()
    assert "mnist (Data): record '00000009' has shape (1, 5, 6)" in said
    assert "expected (1, 6, 5)" in said
    failing.write_set()
    failing.recover()


def test_what_was_learned_until_then_is_saved(failing: Failing) -> None:
    """Nobody is there to write a snapshot by hand; what was made whole again goes on with the same bits."""
    failing.write_set(np.zeros((1, 5, 6), np.uint8))
    elsewhere = ["--set", "snapshot_prefix=lost/a", "--set", "snapshot=0"]
    status, out, said = failing.train(*elsewhere)
    assert (status, len(said)) == (1, 1)
    assert "record '00000009' has shape" in said[0]
    assert "Iteration 4, snapshot lost/a_iter_4.solverstate\n" in out
    command = "--solver solver.prototxt --snapshot lost/a_iter_4.solverstate --set snapshot_prefix=lost/a"
    assert out.splitlines()[-1] == f"to go on: owlkit train {command} --set snapshot=0"
    failing.write_set()
    assert main(["resume", "solver.prototxt", *elsewhere]) == 0
    assert failing.resume()[0] == 0
    same = [failing.folder / name / "a_iter_6.caffemodel" for name in ("lost", "out")]
    assert same[0].read_bytes() == same[1].read_bytes()


def test_a_label_out_of_range(failing: Failing) -> None:
    failing.write_set(IMAGES[BAD], label=7)
    said = failing.fail()
    assert "accuracy (Accuracy): label 7 at index 1 of the batch" in said
    assert "has 3 outputs (labels 0..2)" in said
    assert "it is record '00000009' of set_lmdb (layer 'mnist', blob 'label')" in said
    failing.write_set()
    failing.recover()


def test_a_loss_that_is_not_a_number(failing: Failing) -> None:
    """One damaged record of floats: the message leads to the layer that brought it in."""
    spoilt = IMAGES[BAD].astype(np.float32)
    spoilt[0, 2, 3] = np.nan
    failing.write_set(spoilt)
    said = failing.fail(expected=3)
    assert "the loss of iteration 4 is nan" in said
    assert "first in layer 'mnist', blob 'data' (1 NaN of 60 in its output)" in said
    assert "the parameters were not updated" in said
    failing.write_set()
    failing.recover()


@pytest.mark.parametrize(
    ("rate", "snapshot", "expected", "told"),
    [
        (
            "1e38",
            "0",
            3,
            "the loss of iteration 5 is nan, first in layer 'ip', blob 'ip' (4 Inf of 6 in its output)",
        ),
        ("3e38", "0", 3, "the loss of iteration 5 is nan, first in layer 'ip', blob 'ip[0]'"),
        ("3e38", "1", 3, "at iteration 5 weights of layer 'ip' are no numbers any more, blob 'ip[0]'"),
    ],
)
def test_a_rate_that_is_too_high(
    failing: Failing, rate: str, snapshot: str, expected: int, told: str
) -> None:
    """The weights are lost in memory, not on disk: no snapshot of them is written."""
    status, _, said = failing.resume("--set", f"base_lr={rate}", "--set", f"snapshot={snapshot}")
    assert status == expected
    assert len(said) == 1
    assert told in said[0]
    assert "base_lr" in said[0]
    assert failing.files() == failing.before
    failing.recover()


@pytest.mark.parametrize("presses", [1, 2], ids=["once", "twice"])
def test_ctrl_c_in_the_middle_of_a_snapshot(
    failing: Failing, presses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: the snapshot is finished, then the training stops. Twice: at once, and the snapshot never was."""
    save: Callable[[Net, Path], None] = Net.save

    def interrupted_save(net: Net, path: Path) -> None:
        save(net, path)
        for _ in range(presses):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Net, "save", interrupted_save)
    status, _, _ = failing.resume("--set", "snapshot=1")
    assert status == 130
    found = failing.files()
    added = sorted(found.keys() - failing.before.keys())
    kinds = ("caffemodel", "solverstate", "solverstate.owl")
    assert added == ([f"out/a_iter_5.{kind}" for kind in kinds] if presses == 1 else [])
    assert {name: found[name] for name in failing.before} == failing.before
    assert not list((failing.folder / "out").glob(".*"))
    monkeypatch.undo()
    monkeypatch.chdir(failing.folder)
    failing.recover()
