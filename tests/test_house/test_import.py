"""`import owlkit` is light and complete."""

from __future__ import annotations

import subprocess
import sys

import pytest

import owlkit

HEAVY = ["numpy", "google.protobuf", "lmdb", "PIL", "sklearn", "scipy", "matplotlib", "cupy", "IPython"]
HEAVY += ["ipywidgets", "anywidget", "traitlets", "owlkit_widgets", "jupyter_client", "nbclient"]
# What the whole toolkit may not bring along, even when every public name is in use.
NOT_EVEN_LATER = ["matplotlib", "cupy", "IPython", "ipywidgets", "anywidget", "owlkit_widgets", "sklearn"]


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_owlkit_imports_none_of_its_parts() -> None:
    loaded = modules_after("import owlkit")
    assert not loaded & set(HEAVY)
    assert {name for name in loaded if name.startswith("owlkit")} == {"owlkit"}


def test_no_part_needs_a_notebook_or_a_plotting_library() -> None:
    loaded = modules_after("import owlkit\nfor name in owlkit.__all__: getattr(owlkit, name)")
    assert not loaded & set(NOT_EVEN_LATER)


@pytest.mark.parametrize("name", owlkit.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(owlkit, name) is not None
    assert name in dir(owlkit)


def test_tab_completes_what_is_meant_to_be_used() -> None:
    assert set(dir(owlkit)) == set(owlkit.__all__)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"'Sovler'.*Solver"):
        owlkit.Sovler  # type: ignore[attr-defined]


def test_a_name_of_pycaffes_says_where_it_is() -> None:
    for name in sorted(owlkit._PYCAFFE):
        assert hasattr(owlkit.caffe, name)
        with pytest.raises(AttributeError, match=rf"'{name}'; pycaffe's is owlkit\.caffe\.{name}$"):
            getattr(owlkit, name)
