"""`owlkit demo`: what it says, what it writes, and when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from owlkit.cli import demo
from owlkit.cli.main import main

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


def test_too_little_training_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--output", str(tmp_path), "--no-notebook", "--iterations", "10"]) == 1
    assert "below the expected 98%" in capsys.readouterr().out


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
