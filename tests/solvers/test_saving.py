"""Definitions written from Python train the same again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from owlkit import proto
from owlkit.core.errors import DataError
from owlkit.solvers import Solver
from owlkit.training import Run
from tests.training.small import make_solver, net_param, parameters, with_tests


def other_net() -> Any:
    net = net_param()
    net.name = "other"
    return net


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({}, ["net.prototxt", "solver.prototxt"]),
        ({"test": other_net()}, ["net.prototxt", "solver.prototxt", "test_net.prototxt"]),
        (
            {"test": [net_param(), other_net()], "test_iter": [4, 2]},
            ["net.prototxt", "solver.prototxt", "test_net_0.prototxt", "test_net_1.prototxt"],
        ),
    ],
)
def test_what_was_written_trains_the_same(tmp_path: Path, fields: dict[str, Any], files: list[str]) -> None:
    solver = with_tests(**fields)
    net, definition = solver.save_definition(tmp_path / "new")
    assert sorted(path.name for path in net.parent.iterdir()) == files
    again = Solver(definition)
    assert again.test_iterations == solver.test_iterations
    assert [test.name for test in again.test_nets] == [test.name for test in solver.test_nets]
    solver.step(7)
    again.step(7)
    assert parameters(again) == parameters(solver)
    assert again.test() == solver.test()
    assert proto.read_net(net) == net_param()


def test_a_net_for_training_only(tmp_path: Path) -> None:
    solver = Solver(make_solver().to_proto(), test_iter=[])
    assert not Solver(solver.save_definition(tmp_path)[1]).test_nets


def test_weights_are_part_of_it(tmp_path: Path) -> None:
    model = make_solver(snapshot_prefix=str(tmp_path / "a")).snapshot()[0]
    solver = make_solver(seed=9, weights=model)
    assert parameters(Solver(solver.save_definition(tmp_path)[1])) == parameters(solver)


def test_other_files_are_not_overwritten(tmp_path: Path) -> None:
    make_solver().save_definition(tmp_path)
    make_solver().save_definition(tmp_path)
    before = (tmp_path / "solver.prototxt").read_bytes()
    with pytest.raises(DataError, match=r"solver\.prototxt is there already.*overwrite=True"):
        make_solver(base_lr=0.5).save_definition(tmp_path)
    assert (tmp_path / "solver.prototxt").read_bytes() == before
    make_solver(base_lr=0.5).save_definition(tmp_path, overwrite=True)
    assert (tmp_path / "solver.prototxt").read_bytes() != before


def test_its_snapshots_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a run that has the folder's name: Caffe would look for them in the folder."""
    monkeypatch.chdir(tmp_path)
    for name, folder in (("digits", "digits"), ("digits", "other"), (None, "third")):
        run = Run(make_solver(snapshot_after_train=True), name).run()
        _, definition = run.solver.save_definition(folder)
        assert proto.read_solver(definition).snapshot_prefix == (name or "small")
        again = Solver(definition)
        assert again.restore("auto") == Path(f"{name or 'small'}_iter_20.solverstate")
        assert ("is also a folder" in "".join(again.notices)) == (name == "digits")


def test_a_folder_as_prefix_stays_one_where_nothing_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for prefix in ("snapshots", "snapshots/"):
        Path("snapshots").mkdir(exist_ok=True)
        solver = make_solver(snapshot_prefix=prefix)
        assert solver.prefix == "snapshots/small"
    make_solver(snapshot_prefix="snapshots_2").snapshot()
    assert make_solver(snapshot_prefix="snapshots").prefix == "snapshots/small"
    Path("snapshots_iter_7.solverstate").touch()
    assert make_solver(snapshot_prefix="snapshots").prefix == "snapshots"
    assert make_solver(snapshot_prefix="snapshots/").prefix == "snapshots/small"


def test_nets_are_named_as_caffe_looks_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the working directory, where another net.prototxt may lie; owlkit finds a folder that moved."""
    monkeypatch.chdir(tmp_path)
    Path("net.prototxt").write_text("name: 'not this one'")
    solver = with_tests(test=other_net())
    _, definition = solver.save_definition("digits")
    written = proto.read_solver(definition)
    assert (written.train_net or written.net, list(written.test_net)) == (
        "digits/net.prototxt",
        ["digits/test_net.prototxt"],
    )
    assert Solver(definition).net.name == solver.net.name
    Path("net.prototxt").unlink()
    Path("digits").rename("moved")
    moved = Solver("moved/solver.prototxt")
    assert moved.test_nets[0].name == "other"
    assert "net digits/net.prototxt was taken from the folder of the solver file" in moved.notices[0]
