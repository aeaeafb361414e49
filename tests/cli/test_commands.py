"""Training, testing and timing by the `owlkit` command, in this process."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from owlkit.cli.main import main
from owlkit.solvers import Solver
from tests.support.sets import random_images, write_set
from tests.training.small import NET


def test_train(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--solver", "solver.prototxt"]) == 0
    out = capsys.readouterr().out
    assert "Iteration 0, loss = " in out
    assert "Iteration 20, test net 0: accuracy " in out
    assert "Finished at iteration 40" in out
    assert len(list((folder / "out").glob("*.caffemodel"))) == 4


@pytest.mark.usefixtures("folder")
def test_train_in_caffes_spelling_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "-solver", "solver.prototxt", "--set", "max_iter=10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["iter"]) == ("finished", 10)
    assert [test["iter"] for test in found["tests"]] == [0]
    assert found["snapshots"][0]["state"] == "out/a_iter_10.solverstate"


@pytest.mark.parametrize(
    "given", [["stepvalue=3", "stepvalue=[6]"], ["stepvalue=[3,6]"], ["stepvalue=[3]", "stepvalue=6"]]
)
@pytest.mark.usefixtures("folder")
def test_a_list_of_a_solver_field(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Written as in a solver file, a line for each, only the last one counted."""
    fields = [*given, "lr_policy=multistep", "gamma=0.1", "display=1", "max_iter=8"]
    words = [word for field in fields for word in ("--set", field)]
    assert main(["train", "-solver", "solver.prototxt", *words]) == 0
    rates = re.findall(r"Iteration \d+, loss = \S+, lr = ([^\s,]+)", capsys.readouterr().out)
    assert rates == ["0.01"] * 3 + ["0.001"] * 3 + ["0.0001"] * 2


@pytest.mark.parametrize(
    ("name", "values"), [("base_lr", ("1", "2")), ("train_state", ('{"level":1}', '{"stage":["a"]}'))]
)
@pytest.mark.usefixtures("folder")
def test_one_value_of_a_solver_field_is_given_once(
    name: str, values: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    again = [word for value in values for word in ("--set", f"{name}={value}")]
    told = f"--set {name}={values[1]}: {name} is set before, and takes one value: give it once"
    for command in (["train", "-solver"], ["resume"]):
        with pytest.raises(SystemExit):
            main([*command, "solver.prototxt", *again])
        assert told in capsys.readouterr().err


def test_resume_gives_the_same_bits(folder: Path) -> None:
    assert main(["train", "-solver", "solver.prototxt"]) == 0
    whole = (folder / "out/a_iter_40.caffemodel").read_bytes()
    (folder / "out/a_iter_40.caffemodel").unlink()
    assert main(["train", "-solver", "solver.prototxt", "-snapshot", "out/a_iter_20.solverstate"]) == 0
    assert (folder / "out/a_iter_40.caffemodel").read_bytes() == whole


@pytest.mark.usefixtures("folder")
def test_fine_tuning(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "-solver", "solver.prototxt", "--json"])
    capsys.readouterr()
    options = ["--set", "max_iter=1", "--set", "snapshot_prefix=b", "-weights", "out/a_iter_40.caffemodel"]
    assert main(["train", "-solver", "solver.prototxt", *options]) == 0


@pytest.mark.usefixtures("folder")
def test_test(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "-solver", "solver.prototxt", "--json"])
    capsys.readouterr()
    options = ["-model", "net.prototxt", "-weights", "out/a_iter_40.caffemodel", "-iterations", "5"]
    assert main(["test", *options]) == 0
    assert "5 batches, 40 images" in capsys.readouterr().out
    assert main(["test", *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["outputs"]) == {"accuracy", "loss"}
    assert found["loss"] == pytest.approx(found["outputs"]["loss"])


DATA_NET = """name: "records"
layer { name: "data" type: "Data" top: "data" top: "label"
        data_param { source: "set_lmdb" batch_size: 4 backend: LMDB } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" %s }
"""


@pytest.mark.parametrize("command", ["test", "time"])
def test_weights_are_reported(folder: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "-solver", "solver.prototxt", "--json"])
    options = ["-weights", "out/a_iter_40.caffemodel", "-iterations", "1"]
    capsys.readouterr()
    assert main([command, "-model", "net.prototxt", *options]) == 0
    said = "weights from out/a_iter_40.caffemodel: "
    assert capsys.readouterr().err == said + "all 2 layers loaded\n"
    (folder / "other.prototxt").write_text(NET.replace('name: "ip2"', 'name: "head"'))
    assert main([command, "-model", "other.prototxt", *options]) == 0
    err = capsys.readouterr().err
    assert (
        "1 of 2 layers loaded; not in the file, kept as they are: head; not in the net, skipped: ip2" in err
    )
    (folder / "other.prototxt").write_text(NET.replace('name: "ip', 'name: "head'))
    assert main([command, "-model", "other.prototxt", *options]) == 1
    assert "no layer" in capsys.readouterr().err


def test_a_test_is_one_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(folder / "set_lmdb", random_images(12), [i % 3 for i in range(12)])
    (folder / "data.prototxt").write_text(DATA_NET % "")
    assert main(["test", "-model", "data.prototxt"]) == 0
    out, err = capsys.readouterr()
    assert "records: 3 batches, 12 images" in out
    assert out.count("loss = ") == 1
    assert "one pass over 12 records: 3 batches" in err
    assert "untrained weights" in err
    assert "more than once" not in err
    assert main(["test", "-model", "data.prototxt", "-iterations", "4"]) == 0
    assert "some records count more than once: 16 were read of 12" in capsys.readouterr().err
    (folder / "data.prototxt").write_text(DATA_NET % "loss_weight: 2")
    main(["test", "-model", "data.prototxt"])
    assert "total loss = " in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_a_test_of_a_net_that_does_not_know_its_records(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "-model", "net.prototxt"]) == 0
    out, err = capsys.readouterr()
    assert "50 batches, 400 images" in out
    assert "does not know how many records it has: 50 batches" in err


@pytest.mark.parametrize("command", ["test", "time"])
def test_an_empty_net(folder: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty.prototxt").write_text('name: "nothing"')
    assert main([command, "-model", "empty.prototxt"]) == 1
    assert "empty.prototxt has no layers in phase" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["time", "--model", "net.prototxt", "--iterations", "2"]) == 0
    out = capsys.readouterr().out
    assert "images/s" in out
    assert "waiting for data" in out
    assert main(["time", "-model", "net.prototxt", "-iterations", "2", "-phase", "TEST", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "accuracy" in {layer["name"] for layer in found["layers"]}
    assert all(layer["forward"] >= 0 for layer in found["layers"])


def test_the_time_of_a_net_without_a_loss(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its backward pass cleared the gradients of all weights, which took 25 ms for CaffeNet's."""
    deploy = """
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
    """
    for forced in (False, True):
        (folder / "deploy.prototxt").write_text("force_backward: true " * forced + deploy)
        assert main(["time", "-model", "deploy.prototxt", "-iterations", "2", "--json"]) == 0
        out, err = capsys.readouterr()
        assert (json.loads(out)["backward"] > 0) == forced
        assert ("no layer runs backward, for there is no loss" in err) != forced
    labels = 'layer { name: "t" type: "DummyData" top: "t" dummy_data_param { shape { dim: 2 dim: 3 } } }'
    loss = 'layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" }'
    held = deploy.replace('top: "ip"', 'top: "ip" param { lr_mult: 0 } param { lr_mult: 0 }')
    (folder / "held.prototxt").write_text(held + labels + loss)
    assert main(["time", "-model", "held.prototxt", "-iterations", "2"]) == 0
    assert "no layer runs backward, for nothing learns: give a layer before" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_nothing_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "-solver", "solver.prototxt", "--json"])
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").iterdir()}
    capsys.readouterr()
    options = ["-snapshot", "out/a_iter_40.solverstate", "--set", "max_iter=30"]
    assert main(["train", "-solver", "solver.prototxt", *options]) == 0
    assert "max_iter 30 is already reached; nothing to do" in capsys.readouterr().err
    assert main(["train", "-solver", "solver.prototxt", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "finished"
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").iterdir()} == before


def test_the_command_that_resumes_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Solver.advance

    def interrupted(solver: Solver, n: int, **options: Any) -> None:
        done(solver, n, **options)
        if solver.iter == 5:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Solver, "advance", interrupted)
    options = ["--set", "max_iter=8", "--set", "snapshot_prefix=out/a b", "--stage", "x"]
    assert main(["train", "-solver", "solver.prototxt", *options]) == 130
    last = capsys.readouterr().out.splitlines()[-1]
    said, _, line = last.partition(": ")
    assert said == "to go on"
    words = shlex.split(line)
    assert words[:6] == [
        *["owlkit", "train", "--solver", "solver.prototxt", "--snapshot"],
        "out/a b_iter_5.solverstate",
    ]
    assert main(words[1:]) == 0
    assert (folder / "out/a b_iter_8.caffemodel").exists()
