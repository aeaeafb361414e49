"""The lesson about SqueezeNet on a machine that cannot fetch it: it says so, and goes on with another net."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is in the notebook extra")
nbclient = pytest.importorskip("nbclient", reason="nbclient is in the notebook extra")
pytest.importorskip("matplotlib.font_manager", reason="matplotlib is in the notebook extra")

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "03_classification.ipynb"


@pytest.mark.slow
def test_a_lenet_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWLKIT_DATA", str(tmp_path))
    notebook = nbformat.read(LESSON, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    told = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "could not download" in told
    assert "a LeNet stands in" in told
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 8
