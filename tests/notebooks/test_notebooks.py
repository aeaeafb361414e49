"""Every notebook runs from top to bottom in a fresh kernel, and is kept without outputs."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is in the notebook extra")
nbclient = pytest.importorskip("nbclient", reason="nbclient is in the notebook extra")
# Makes the list of fonts, which a lesson's kernel would otherwise do, and say so.
pytest.importorskip("matplotlib.font_manager", reason="matplotlib is in the notebook extra")

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
FEW = 200
NAMES = [path.stem for path in NOTEBOOKS]


def test_there_are_notebooks() -> None:
    assert NAMES[:1] == ["01_lenet"]


def shorten(notebook: Any) -> None:
    """Fewer iterations than a learner trains; they are set in the cell with the tag "parameters"."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    for cell in cells:
        cell.source, found = re.subn(r"^iterations = \d+", f"iterations = {FEW}", cell.source, flags=re.M)
        assert found == 1, "a cell with the tag parameters sets iterations once"


def pictures_without_words(notebook: Any) -> list[str]:
    """Cells with a picture that is put in words neither by their `alt` nor by its own (that of a widget)."""
    found = []
    for cell in notebook.cells:
        shown = [output for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
        told = "alt" in cell.metadata or all(
            "alt" in output.metadata.get("image/png", {}) for output in shown
        )
        if shown and not told:
            found.append(cell.source)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    shorten(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert not pictures_without_words(notebook), "name what is seen in the cell's metadata, as `alt`"
    complaints = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert not complaints, "a lesson shows no warnings"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_is_kept_without_outputs(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], "run nbstripout"
            assert cell.execution_count is None, "run nbstripout"
    assert "widgets" not in nbformat.read(path, as_version=4).metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_explains_before_it_does(path: Path) -> None:
    kinds = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
    assert kinds[0] == "markdown"
    assert all("markdown" in pair for pair in itertools.pairwise(kinds))
