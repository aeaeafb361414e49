"""Interrupted and resumed is as uninterrupted; wrong files are recognised; none is half written."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError, FileFormatError, TrainingError
from owlkit.io import files
from owlkit.io.solverstate import read_solverstate, sidecar_path, write_solverstate
from owlkit.solvers import Solver
from tests.training.small import make_solver, net_param, parameters, with_tests


def snapshot_at(iteration: int, folder: Path, **fields: Any) -> tuple[Solver, Path]:
    solver = with_tests(snapshot_prefix=str(folder / "net"), **fields)
    solver.step(iteration)
    return solver, solver.snapshot()[1]


@pytest.mark.parametrize("iteration", [1, 5, 8])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_resuming_is_bit_identical(tmp_path: Path, iteration: int, kind: str) -> None:
    whole = with_tests(type=kind, average_loss=4)
    whole.step(12)
    _, state = snapshot_at(iteration, tmp_path, type=kind, average_loss=4)
    # Another seed: everything that matters has to come from the snapshot.
    resumed = with_tests(type=kind, average_loss=4, seed=77)
    resumed.restore(state)
    resumed.step(12 - iteration)
    assert parameters(resumed) == parameters(whole)
    assert resumed.smoothed_loss == whole.smoothed_loss
    assert [h.tobytes() for h in resumed.history] == [h.tobytes() for h in whole.history]
    assert resumed.test() == whole.test()


def test_an_overridden_rate_is_kept(tmp_path: Path) -> None:
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"))
    solver.lr = 0.25
    resumed = make_solver()
    resumed.restore(solver.snapshot()[1])
    assert resumed.lr == 0.25


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    prefix = str(tmp_path / "file" / "folder" / "a")
    words = f"snapshot_prefix '{prefix}': {tmp_path}/file/folder cannot be written (Not a directory); choose"
    with pytest.raises(TrainingError, match=re.escape(words)):
        make_solver(snapshot_prefix=prefix).snapshot()
    with pytest.raises(TrainingError, match="choose another"):
        make_solver().snapshot(prefix)


def test_what_restoring_changes_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By the log as long as nobody listens, and in `notices`."""
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"))
    plain = solver.snapshot()[1]
    make_solver().restore(plain)
    assert "set by hand" not in caplog.text
    solver.step(1)
    solver.lr = 0.25
    state = solver.snapshot()[1]
    resumed = make_solver()
    resumed.restore(state)
    told = f"the learning rate 0.25 was set by hand before {state} was written; it goes on in place"
    assert told in caplog.text
    assert told in resumed.notices[-1]
    caplog.clear()
    sidecar_path(state).unlink()
    heard: list[Any] = []
    resumed.add_listener(heard.append)
    resumed.restore(state)
    assert resumed.lr != 0.25
    assert [event.message for event in heard] == [resumed.notices[-1]]
    assert "no .owl file" in resumed.notices[-1]
    assert not caplog.text


def test_the_newest_by_the_word_auto(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    prefix = str(tmp_path / "a")
    with pytest.raises(DataError, match=r"no snapshot .*a_iter_N\.solverstate to go on from"):
        make_solver(snapshot_prefix=prefix).restore("auto")
    solver = make_solver(snapshot_prefix=prefix)
    states = []
    for _ in range(3):
        solver.step(2)
        states.append(solver.snapshot()[1])
    resumed = make_solver(snapshot_prefix=prefix, seed=77)
    assert resumed.restore("auto") == states[-1]
    assert parameters(resumed) == parameters(solver)
    states[-1].write_bytes(b"")
    assert resumed.restore("auto") == states[-2]
    assert resumed.iter == 4
    assert f"passed over: {states[-1]}" in caplog.text


def test_names_are_caffes(tmp_path: Path) -> None:
    solver, state = snapshot_at(3, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "net_iter_3.caffemodel",
        "net_iter_3.solverstate",
        "net_iter_3.solverstate.owl",
    ]
    stored = read_solverstate(state)
    assert stored.iter == 3
    assert stored.learned_net == str(tmp_path / "net_iter_3.caffemodel")
    assert len(stored.history) == len(solver.net.learnable)


@pytest.mark.parametrize("prefix", ["there", "there/", "new/"])
def test_a_folder_as_prefix_gets_the_name_of_the_solver_file(
    tmp_path: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caffe's upgrade of snapshot_prefix; a folder that is still to be made is known by its slash."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    _, definition = with_tests().save_definition(tmp_path / "files")
    solver = Solver(definition, snapshot_prefix=prefix)
    folder = prefix.rstrip("/")
    assert solver.param.snapshot_prefix == f"{folder}/solver"
    assert f"snapshot_prefix {prefix!r} is a folder; snapshots are {folder}/solver_iter_N" in solver.notices
    solver.step(1)
    model, _ = solver.snapshot()
    assert str(model) == f"{folder}/solver_iter_1.caffemodel"
    assert model.exists()
    assert make_solver(snapshot_prefix=prefix).param.snapshot_prefix == f"{folder}/small"


def test_at_the_interval_and_after_training(tmp_path: Path) -> None:
    prefix = str(tmp_path / "new" / "a")
    make_solver(snapshot=8, snapshot_after_train=True, snapshot_prefix=prefix).solve()
    found = sorted(p.name for p in (tmp_path / "new").glob("*.caffemodel"))
    assert found == ["a_iter_16.caffemodel", "a_iter_20.caffemodel", "a_iter_8.caffemodel"]


def test_a_folder_that_was_moved(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    solver, state = snapshot_at(2, tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "moved")
    resumed = with_tests()
    resumed.restore(tmp_path / "moved" / state.name)
    assert parameters(resumed) == parameters(solver)


def test_snapshot_diff(tmp_path: Path) -> None:
    from owlkit.io.weights import read_caffemodel

    solver = make_solver(snapshot_diff=True, snapshot_prefix=str(tmp_path / "a"))
    solver.step(1)
    layers = read_caffemodel(solver.snapshot()[0]).layer
    assert all(len(blob.diff) for layer in layers for blob in layer.blobs)


def test_caffemodel_given_as_a_snapshot(tmp_path: Path) -> None:
    _, state = snapshot_at(1, tmp_path)
    with pytest.raises(FileFormatError, match=r"holds weights, not the state.*weights="):
        with_tests().restore(state.with_suffix(".caffemodel"))


def test_state_of_another_type(tmp_path: Path) -> None:
    _, state = snapshot_at(1, tmp_path, type="Adam")
    with pytest.raises(TrainingError, match="state of a Adam solver, this one is SGD"):
        with_tests().restore(state)
    sidecar_path(state).unlink()
    with pytest.raises(TrainingError, match=r"holds 8 histories, this SGD solver has 4.*AdaDelta or Adam"):
        with_tests().restore(state)


def test_state_of_another_net(tmp_path: Path) -> None:
    _, state = snapshot_at(1, tmp_path)
    stored = read_solverstate(state)
    stored.history[2] = np.zeros((4, 4), np.float32)
    write_solverstate(state, stored)
    solver = with_tests()
    before = parameters(solver)
    with pytest.raises(TrainingError, match=r"history of ip2\[0\] has shape \(4, 4\), expected \(3, 5\)"):
        solver.restore(state)
    assert parameters(solver) == before


def test_state_of_a_net_with_other_layers(tmp_path: Path) -> None:
    """Shapes agree, names do not: Caffe would go on from random weights."""
    _, state = snapshot_at(1, tmp_path)
    net = net_param()
    net.layer[3].name = "head"
    solver = make_solver_of(net)
    before = parameters(solver)
    with pytest.raises(TrainingError, match=r"another net: .* no weights for head, but for ip2, which"):
        solver.restore(state)
    assert parameters(solver) == before
    assert solver.iter == 0


def make_solver_of(net: Any) -> Solver:
    return Solver(net, base_lr=0.01, momentum=0.9, seed=3)


def test_weights_that_are_gone(tmp_path: Path) -> None:
    _, state = snapshot_at(1, tmp_path)
    state.with_suffix(".caffemodel").unlink()
    with pytest.raises(DataError, match="its weights"):
        with_tests().restore(state)
    with pytest.raises(DataError, match="no solverstate"):
        with_tests().restore(tmp_path / "nothing.solverstate")


class Interrupted(BaseException):
    """Stands for whatever may come in the middle."""


@pytest.mark.parametrize("stage", ["save", "extra_state"])
def test_a_failure_in_the_middle_changes_nothing(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver, _ = snapshot_at(2, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fail(*args: Any) -> None:
        raise Interrupted

    monkeypatch.setattr(solver.net if stage == "save" else solver, stage, fail)
    with pytest.raises(Interrupted):
        solver.snapshot()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("full", ["weights", "folder"])
def test_a_full_disk_is_told_of_the_file_that_was_wanted(
    tmp_path: Path, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of the one in the temporary folder, which is gone by then."""
    solver, _ = snapshot_at(3, tmp_path)
    before = sorted(tmp_path.iterdir())
    solver.step(1)

    def no_room(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = (files.os, "fsync") if full == "weights" else (files.tempfile, "mkdtemp")
    monkeypatch.setattr(*target, no_room)
    wanted = re.escape(f"no room to write {tmp_path / 'net_iter_4.caffemodel'} (No space left on device): ")
    with pytest.raises(
        DataError, match=rf"^{wanted}[\d,]+ bytes are free in {tmp_path}; nothing was changed"
    ) as caught:
        solver.snapshot()
    learned = sum(parameter.blob.count for parameter in solver.net.learnable)
    wanted = (
        f"a snapshot takes {4 * learned * 2} B: net_iter_4.caffemodel, net_iter_4.solverstate and its .owl"
    )
    assert wanted in str(caught.value)  # weights and momentum, in float32
    assert sorted(tmp_path.iterdir()) == before


def test_ctrl_c_in_the_middle_finishes_the_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"))
    solver.step(2)
    save = solver.net.save

    def interrupted_save(path: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        save(path)

    monkeypatch.setattr(solver.net, "save", interrupted_save)
    with pytest.raises(KeyboardInterrupt):
        solver.snapshot()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = make_solver(seed=8)
    resumed.restore(tmp_path / "a_iter_2.solverstate")
    assert parameters(resumed) == parameters(solver)
    assert len(list(tmp_path.iterdir())) == 3


def test_ctrl_c_while_stepping_waits_for_the_iteration(tmp_path: Path) -> None:
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"), max_iter=1000)
    remove = solver.add_listener(lambda e: os.kill(os.getpid(), signal.SIGINT) if e.iter == 4 else None)
    with pytest.raises(KeyboardInterrupt):
        solver.solve()
    remove()
    assert solver.iter == 4
    resumed = make_solver(seed=5)
    resumed.restore(solver.snapshot()[1])
    whole = make_solver()
    whole.step(9)
    resumed.step(5)
    assert parameters(resumed) == parameters(whole)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content.pop("losses"), "KeyError: 'losses'"),
        (lambda content: content.update(losses=[float("nan")]), "a loss is not finite"),
        (lambda content: content["net"]["rng"]["data"].pop("state"), "KeyError: 'state'"),
        (lambda content: content.update(test_nets=[None]), "'NoneType'"),
    ],
)
def test_a_damaged_sidecar_changes_nothing(tmp_path: Path, damage: Any, message: str) -> None:
    _, state = snapshot_at(3, tmp_path, average_loss=3)
    document = json.loads(sidecar_path(state).read_text())
    damage(document["content"])
    sidecar_path(state).write_text(json.dumps(document))
    solver = with_tests(average_loss=3, seed=9)
    solver.step(2)
    before = parameters(solver), solver.iter, solver.extra_state()
    with pytest.raises(FileFormatError, match=rf"owl is damaged \(.*{message}.*delete it to go on"):
        solver.restore(state)
    assert (parameters(solver), solver.iter, solver.extra_state()) == before
