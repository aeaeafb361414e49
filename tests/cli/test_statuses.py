"""What goes wrong is one clear line, with an exit status that scripts can tell from others."""

from __future__ import annotations

from pathlib import Path

import pytest

from owlkit.cli.main import main


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
