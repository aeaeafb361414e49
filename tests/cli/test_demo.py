"""`owlkit demo`: what it says, what it writes, and when it fails."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

import pytest

from owlkit.cli import demo
from owlkit.cli.main import main
from owlkit.solvers import Solver

nbformat = pytest.importorskip("nbformat", reason="nbformat is in the notebook extra")
pytest.importorskip("nbclient", reason="nbclient is in the notebook extra")


def notebook_with(folder: Path, *sources: str) -> Path:
    path = folder / "lesson.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources]), path)
    return path


@pytest.mark.slow
def test_lenet_learns_the_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--output", str(tmp_path), "--no-notebook"]) == 0
    said = capsys.readouterr().out
    assert "Finished at iteration 1000" in said
    assert "test accuracy" in said
    assert (tmp_path / "lenet_iter_1000.caffemodel").is_file()


def test_too_little_training_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "ITERATIONS", 10)
    assert main(["demo", "--output", str(tmp_path), "--no-notebook"]) == 1
    assert "below the expected 98%" in capsys.readouterr().out


def test_fewer_iterations_are_no_failure_and_the_next_commands_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--output", str(tmp_path), "--no-notebook", "--iterations", "10"]) == 0
    out = capsys.readouterr().out
    assert "of the digits after 10 iterations; more of them help" in out
    (command,) = [line for line in out.splitlines() if "owlkit test" in line]
    words = shlex.split(command.removeprefix("  measure again"))
    assert shutil.which(words[0]), "the shell finds it as it is written"
    assert main(words[1:]) == 0
    tested = capsys.readouterr()
    assert "6 batches, 360 images" in tested.out
    assert "layers loaded" in tested.err
    first = (tmp_path / "lenet_iter_10.caffemodel").read_bytes()
    assert main(["train", "--solver", str(tmp_path / "solver.prototxt"), "--json"]) == 0
    assert (tmp_path / "lenet_iter_10.caffemodel").read_bytes() == first


def test_the_last_lines_say_what_was_reached_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "NOTEBOOK", notebook_with(tmp_path, "6 * 7"))
    output = tmp_path / "out"
    assert main(["demo", "--output", str(output), "--iterations", "3"]) == 0
    *before, reached, head, plots, again, lessons = capsys.readouterr().out.splitlines()
    assert reached.startswith("LeNet reads ")
    assert head == "Next:"
    assert plots.startswith("  see the plots  ")
    assert plots.endswith(f"jupyter lab {output / 'lesson.ipynb'}")
    assert again.startswith("  measure again  ")
    assert lessons == "  go through it  make lab"
    assert any(line.endswith(str(output / "lenet_iter_3.caffemodel")) for line in before), "where it lies"


def test_programs_that_the_shell_does_not_find_are_told_with_their_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".venv" / "bin"
    own.mkdir(parents=True)
    (own / "owlkit").touch(0o755)
    monkeypatch.setattr(sys, "executable", str(own / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert demo.program("owlkit") == ".venv/bin/owlkit"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert demo.program("owlkit") == str(own / "owlkit")
    monkeypatch.setenv("PATH", str(own))
    assert demo.program("owlkit") == "owlkit"


def test_ctrl_c_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Solver.advance

    def interrupted(solver: Solver, n: int, **more: bool) -> None:
        done(solver, n, **more)
        if solver.iter == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Solver, "advance", interrupted)
    assert main(["demo", "--output", str(tmp_path), "--iterations", "5"]) == 130
    out = capsys.readouterr().out
    assert "lesson" not in out
    assert "LeNet reads" not in out
    line = out.splitlines()[-1]
    assert line.startswith("stopped before the end; to go on: ")
    assert "owlkit train --solver " in line
    assert main(shlex.split(line.partition(": ")[2])[1:]) == 0
    assert (tmp_path / "lenet_iter_5.caffemodel").exists()


def test_an_executed_notebook_has_outputs(tmp_path: Path) -> None:
    lesson = notebook_with(tmp_path, "6 * 7")
    target = demo.execute_notebook(lesson, tmp_path)
    assert nbformat.read(target, as_version=4).cells[0].outputs[0].data["text/plain"] == "42"


def test_a_failing_cell_is_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lesson = notebook_with(tmp_path, "print('before')", "1 / 0")
    with pytest.raises(demo.OwlkitError, match=r"lesson\.ipynb failed: ZeroDivisionError"):
        demo.execute_notebook(lesson, tmp_path)
    kept = nbformat.read(tmp_path / "lesson.ipynb", as_version=4)
    assert kept.cells[0].outputs[0].text == "before\n"


def test_without_a_checkout_there_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(demo.OwlkitError, match="--no-notebook"):
        demo.execute_notebook(tmp_path / "lesson.ipynb", tmp_path)
