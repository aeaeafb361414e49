"""docs/layers: made from the classes, complete, and every example prints what its page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import make_layers
from docs.layer_documentation import DocumentationError, read
from owlkit.layers.base import NAMED
from owlkit.spec.types import LAYER_TYPES

pytest.importorskip("h5py", reason="the examples of HDF5Data and HDF5Output need h5py")
NAMES = ["README", *sorted(LAYER_TYPES)]


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """All pages as they would be made now; running every example takes about a second."""
    return dict(make_layers.pages())


@pytest.mark.parametrize("name", NAMES)
def test_page_is_up_to_date(name: str, made: dict[str, str]) -> None:
    committed = (make_layers.FOLDER / f"{name}.md").read_bytes().decode()
    assert committed == made[f"{name}.md"], f"run `make docs` and look at docs/layers/{name}.md"


def test_nothing_is_left_over(made: dict[str, str]) -> None:
    assert {path.name for path in make_layers.FOLDER.glob("*.md")} == set(made)
    assert {path.stem for path in (make_layers.FOLDER / "examples").iterdir()} >= LAYER_TYPES
    assert "Swap" not in NAMED  # the example's own layer went with it


def test_links_lead_somewhere(made: dict[str, str]) -> None:
    for name, content in made.items():
        for target in re.findall(r"(?<!\\)\]\(([^)]+)\)", content):
            assert (make_layers.FOLDER / target).exists(), f"{name} links to {target}"


def test_no_page_shows_a_path_of_this_machine(made: dict[str, str]) -> None:
    for name, content in made.items():
        assert str(Path.home()) not in content, name
        assert str(make_layers.FOLDER.parents[1]) not in content, name
        assert "/tmp" not in content, name


def test_an_example_that_prints_something_else_changes_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, str]
) -> None:
    example = (make_layers.FOLDER / "examples" / "TanH.py").read_text()
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "TanH.py").write_text(example.replace("0.5", "0.25"))
    monkeypatch.setattr(make_layers, "FOLDER", tmp_path)
    page = make_layers.page(read("TanH"))
    assert "0.2449" in page
    assert page != made["TanH.md"]


@pytest.mark.parametrize(("old", "new"), [("L.TanH", "L.ReLU"), (r"print\(.*\)", "")])
def test_an_example_without_its_layer_or_result_is_told(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = (make_layers.FOLDER / "examples" / "TanH.py").read_text()
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "TanH.py").write_text(re.sub(old, new, example))
    monkeypatch.setattr(make_layers, "FOLDER", tmp_path)
    with pytest.raises(DocumentationError, match="no TanH layer in `n`, or prints nothing"):
        make_layers.page(read("TanH"))


COMPLETE = """A straight line.

bottom 0 : x, any shape,
    wrapped.
top 0 : y, the same shape.
Formula: of the cases
    MAX: y = x, which is
        long
    AVE: y = x / 2
Gradient: dx = dy.
Parameters (elu_param):
    alpha : a number
        on two lines.
Source: nobody.

A note
on two lines.
"""


def test_a_docstring_in_parts() -> None:
    told = read("ELU", COMPLETE)
    assert told.summary == "A straight line."
    assert told.blobs == [("bottom 0", "x, any shape, wrapped."), ("top 0", "y, the same shape.")]
    assert told.parts["Formula"] == "of the cases\nMAX: y = x, which is long\nAVE: y = x / 2"
    assert told.parameters == {"elu_param": {"alpha": "a number on two lines."}}
    assert told.notes == ["A note on two lines."]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Gradient: dx = dy.\n", "", "ELU: its docstring lacks Gradient"),
        ("Source: nobody.\n", "", "lacks Source"),
        ("    alpha : a number\n        on two lines.\n", "", r"elu_param is documented without \['alpha'\]"),
        ("    alpha : a", "    alpha, beta : a", r"and with \['beta'\], which it does not have"),
        ("bottom 0 : x, any shape,\n    wrapped.\ntop 0 : y, the same shape.\n", "", "lacks its blobs"),
    ],
)
def test_what_is_missing_is_told(old: str, new: str, message: str) -> None:
    assert old in COMPLETE
    with pytest.raises(DocumentationError, match=message):
        read("ELU", COMPLETE.replace(old, new))
