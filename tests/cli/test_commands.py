"""The `owlkit` command, in this process and as a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from owlkit.cli.main import main
from owlkit.net import Net
from owlkit.solvers import Solver
from tests.support.sets import random_images, write_set
from tests.training.small import NET

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds after which a process that hangs fails the test
SOLVER = """
net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 5
max_iter: 40 test_iter: 2 test_interval: 20 display: 10 snapshot: 10 snapshot_prefix: "out/a"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with solver.prototxt and net.prototxt, made the working directory."""
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-m", "owlkit", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the process's output up to a line with `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the process ended without {text!r}: {process.communicate()[1]}")


def last_state(folder: Path) -> Path:
    states = (folder / "out").glob("a_iter_*.solverstate")
    return max(states, key=lambda path: int(path.stem.rpartition("_")[2]))


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


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "-solver", "nothing.prototxt"], "owlkit train: there is no solver file nothing.prototxt"),
        (["train", "-solver", "solver.prototxt", "--set", "base_rl=1"], "did you mean 'base_lr'"),
        (["train", "-solver", "solver.prototxt", "-snapshot", "a.solverstate"], "a.solverstate"),
        (["test", "-model", "nothing.prototxt"], "owlkit test: "),
        (["test", "-model", "."], ". is a folder, not a prototxt; it holds net.prototxt, solver.prototxt"),
        (["train", "-solver", "solver.protoxt"], "(did you mean 'solver.prototxt'?)"),
        (["train", "-solver", "."], ". is a folder"),
        (["train", "-solver", "net.prototxt"], "net.prototxt is a net, not a solver: give the solver file"),
    ],
)
def test_a_failure_is_one_clear_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_clearly(arguments, 1, message, capsys)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train", "-solver", "solver.prototxt", "--set", "base_lr=1e30"], 3, "lower base_lr"),
        (["train", "-solver", "solver.prototxt", "-gpu", "0"], 4, "no NVIDIA GPU can be used"),
        (["train", "-solver=solver.prototxt", "-gpu=all"], 4, "leave out --gpu all"),
        (["test", "-model", "net.prototxt", "--gpu", "0,1"], 4, "leave out --gpu 0,1"),
        (["time", "-model", "net.prototxt", "-gpu", "0"], 4, "leave out --gpu 0 to compute on the CPU"),
        (["time", "-model", "net.prototxt", "--tf32"], 4, "leave out --tf32 to compute on the CPU"),
    ],
)
def test_scripts_can_tell_failures_apart(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _fails_clearly(arguments, status, message, capsys)


def _fails_clearly(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert message in err
    assert (out + err).count("lower base_lr") <= 1
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.usefixtures("folder")
def test_debug_shows_where_it_comes_from() -> None:
    with pytest.raises(ValueError, match="nothing"):
        main(["--debug", "train", "-solver", "nothing.prototxt"])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["trian"],
        ["train"],
        ["train", "-solver", "a", "-snapshot", "b", "-weights", "c"],
        ["time", "-model", "a", "-iterations", "0"],
        ["train", "-solver", "a", "--set", "base_lr"],
    ],
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: owlkit" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["train", "test", "time"])
def test_help_has_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert f"  owlkit {name} --" in capsys.readouterr().out


def test_ctrl_c_stops_with_a_snapshot_and_resuming_gives_the_same_bits(folder: Path) -> None:
    process = command("train", "--solver", "solver.prototxt", "--set", "max_iter=100000000")
    wait_for(process, "Iteration 30, loss")
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, err) == (130, "")
    assert "Stopped at iteration " in out
    state = last_state(folder)
    stopped_at = int(state.stem.rpartition("_")[2])
    more = [*("--set", f"max_iter={stopped_at + 7}"), *("--set", "snapshot_prefix=b"), "--json"]
    assert main(["train", "-solver", "solver.prototxt", "-snapshot", str(state), *more]) == 0
    more = [*("--set", f"max_iter={stopped_at + 7}"), *("--set", "snapshot_prefix=c"), "--json"]
    assert main(["train", "-solver", "solver.prototxt", *more, "--set", "snapshot=0"]) == 0
    resumed, whole = (folder / f"{name}_iter_{stopped_at + 7}.caffemodel" for name in "bc")
    assert resumed.read_bytes() == whole.read_bytes()


def test_sigterm_stops_with_a_snapshot(folder: Path) -> None:
    """As batch systems and containers end a training."""
    process = command("train", "--solver", "solver.prototxt", "--set", "max_iter=100000000")
    wait_for(process, "Iteration 30, loss")
    process.terminate()
    code, out, err = finish(process)
    assert (code, err) == (130, "")
    assert f"to go on: owlkit train --solver solver.prototxt --snapshot out/{last_state(folder).name}" in out


def an_extraction(folder: Path, *before: str) -> subprocess.Popen[str]:
    """extract-features, writing its set without end. before : words in front of the command."""
    Net("net.prototxt").save("a.caffemodel")
    words = ["extract-features", "a.caffemodel", "net.prototxt", "ip1", "features", "100000000"]
    process = command(*words, before=before)
    while not (folder / "features.partial" / "data.mdb").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return process


def test_sigterm_ends_other_commands_without_leftovers(folder: Path) -> None:
    process = an_extraction(folder)
    process.terminate()
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert err.endswith("interrupted\n")
    assert {path.name for path in folder.iterdir()} == {"net.prototxt", "solver.prototxt", "a.caffemodel"}


def test_sigterm_ends_a_process_that_a_script_put_into_the_background(folder: Path) -> None:
    """The shell has it ignore Ctrl-C."""
    process = an_extraction(folder, "sh", "-c", 'trap "" INT; exec "$@"', "sh")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_sigterm_ends_at_once_what_must_not_stop_by_ctrl_c(folder: Path) -> None:
    options = ["--sigint_effect", "none", "--set", "max_iter=100000000"]
    process = command("train", "--solver", "solver.prototxt", *options)
    wait_for(process, "Iteration 30, loss")
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM


def test_killed_at_any_time_the_last_snapshot_is_whole(folder: Path) -> None:
    process = command(
        "train", "--solver", "solver.prototxt", "--set", "max_iter=100000000", "--set", "snapshot=1"
    )
    wait_for(process, "Iteration 20, loss")
    process.kill()
    finish(process)
    state = last_state(folder)
    last = int(state.stem.rpartition("_")[2]) + 3
    for name, start in (("b", ["-snapshot", str(state)]), ("c", [])):
        options = [
            f"--set={field}" for field in (f"max_iter={last}", f"snapshot_prefix={name}", "snapshot=0")
        ]
        assert main(["train", "-solver", "solver.prototxt", *start, *options, "--json"]) == 0
    assert (folder / f"b_iter_{last}.caffemodel").read_bytes() == (
        folder / f"c_iter_{last}.caffemodel"
    ).read_bytes()


def test_sighup_takes_a_snapshot_and_goes_on(folder: Path) -> None:
    process = command(
        "train", "--solver", "solver.prototxt", "--set", "max_iter=100000000", "--set", "snapshot=0"
    )
    wait_for(process, "Iteration 10, loss")
    process.send_signal(signal.SIGHUP)
    wait_for(process, "snapshot out/a_iter_")
    wait_for(process, ", loss = ")
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 130


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["train", "solver.prototxt"],
            "'solver.prototxt' stands alone: no option takes it; write --solver solver",
        ),
        (["test", "--modle", "x"], "no option --modle (did you mean '--model'?)"),
        (["test", "-model", "x", "y"], "'y' stands alone: no option takes it"),
        (["train", "-solver", "x", "--sett", "a=1"], "no option --sett (did you mean '--set'?)"),
        (["demo", "--iterations", "0"], "0 is less than 1"),
        (["demo", "--iterations", "many"], "'many' is no whole number"),
        (["train"], "usage: owlkit train [-h] --solver FILE"),
        ([], "owlkit train --solver solver.prototxt --snapshot"),
        (["data"], "download a set"),
    ],
)
def test_a_word_that_is_not_known(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_what_the_system_refuses_is_told_without_its_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").touch()
    assert main(["demo", "--output", str(tmp_path / "a" / "b")]) == 1
    assert capsys.readouterr().err == f"owlkit demo: {tmp_path / 'a' / 'b'}: Not a directory\n"


def test_as_a_module() -> None:
    code, out, _ = finish(command("--version"))
    assert code == 0
    assert out.startswith("owlkit ")
