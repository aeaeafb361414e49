"""Imports point down only. The floors are docs/architecture.md's; a new folder must be given one here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "owlkit"

# folder -> the folders it may import from, besides itself
ARROWS = {
    "core": set(),
    "proto": {"core"},
    "spec": {"proto", "core"},
    "zoo": {"spec", "proto", "core"},
    "kernels": {"core"},
    "io": {"core", "proto"},
    "layers": {"kernels", "core", "proto", "io"},
    "net": {"layers", "io", "proto", "core", "kernels"},
    "solvers": {"net", "io", "proto", "core", "kernels"},
    "training": {"solvers", "core"},
    "datasets": {"io", "core", "proto"},
    "export": {"core", "proto", "io", "net"},
    "inspection": {"net", "io", "proto", "core"},
    "caffe": {"core", "proto", "spec", "io", "layers", "net", "solvers"},
}
TOP = {"", "__main__", "cli"}  # "" is owlkit/__init__.py; these may import everything
# The one place that reaches upward, by name and on first use.
CONVENIENCES = PACKAGE / "core" / "conveniences.py"

NEVER_IN_OWLKIT = {"owlkit_widgets", "ipywidgets", "anywidget", "IPython"}
# Fetched inside the function that needs them, never by importing owlkit.
ONLY_INSIDE_FUNCTIONS = {"cudnn", "matplotlib", "nbclient", "nbformat", "sklearn"}
CUPY_FOLDERS = ("core/gpu/", "kernels/", "parallel/")


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str, bool]]:
    """(line, absolute module, at module level) of each import; those under `if TYPE_CHECKING` never run."""
    stack: list[tuple[ast.AST, bool]] = [(tree, True)]
    while stack:
        node, outside = stack.pop()
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, outside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from owlkit import net` names a folder; `from owlkit.net import Net` an attribute.
            yield from ((node.lineno, f"{module}.{alias.name}", outside) for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            stack.extend((child, outside) for child in node.orelse)
        else:
            inside = outside and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            stack.extend((child, inside) for child in ast.iter_child_nodes(node))


def floor(relative: Path) -> str:
    """The folder, or the module for a file that lies in owlkit itself: spec.py is the floor `spec`."""
    name = relative.parts[0]
    return "" if name == "__init__.py" else name.removesuffix(".py")


def broken_arrows(source: str, relative: Path) -> list[str]:
    """Imports of one file, `relative` to owlkit/, that point up or sideways, as messages."""
    here = floor(relative)
    package = ".".join(["owlkit", *relative.parent.parts])
    wrong = []
    for line, module, outside in imports(ast.parse(source), package):
        parts = module.split(".")
        where = f"owlkit/{relative}:{line} imports {module}"
        if parts[0] == "owlkit" and here not in TOP and len(parts) > 1:
            there = parts[1]
            if there not in {here, "__version__"} and there not in ARROWS.get(here, set()):
                wrong.append(f"{where}: {here} may import {', '.join(sorted(ARROWS[here])) or 'nothing'}")
        if parts[0] in NEVER_IN_OWLKIT:
            wrong.append(f"{where}: front ends announce themselves by the entry point owlkit.frontends")
        if parts[0] in ONLY_INSIDE_FUNCTIONS and outside:
            wrong.append(f"{where} at module level: import it inside the function that needs it")
        if parts[0] in {"cudnn", "cupy"} and not relative.as_posix().startswith(CUPY_FOLDERS):
            wrong.append(f"{where}: only core/gpu/, kernels/ and parallel/ may")
    return wrong


FILES = sorted(p.relative_to(PACKAGE) for p in PACKAGE.rglob("*.py"))


def test_every_folder_has_a_floor() -> None:
    found = {floor(path) for path in FILES}
    assert found <= ARROWS.keys() | TOP, "give the new folder its arrows here and in docs/architecture.md"


def test_the_floors_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = [
        line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ") and line[2].isdigit()
    ]
    told = {row[1].strip(): {name.strip() for name in row[2].split(",") if name.strip()} for row in rows}
    assert told.pop("cli") == {"everything"}
    assert told == ARROWS


def test_no_arrow_makes_a_circle() -> None:
    seen: set[str] = set()
    while len(seen) < len(ARROWS):
        free = {name for name, below in ARROWS.items() if name not in seen and below <= seen}
        assert free, f"a circle among {sorted(ARROWS.keys() - seen)}"
        seen |= free


def test_imports_point_down() -> None:
    wrong = [
        message
        for path in FILES
        if PACKAGE / path != CONVENIENCES
        for message in broken_arrows((PACKAGE / path).read_text(), path)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("from owlkit.net import Net", "core/blob.py"),
        ("from owlkit import solvers", "net/net.py"),
        ("from owlkit import Solver", "layers/base.py"),
        ("from ..net import Net", "layers/pooling.py"),
        ("from ..training.run import Run", "solvers/sgd.py"),
        ("def f():\n    import owlkit.net.graph", "spec.py"),
        ("import ipywidgets", "training/monitor.py"),
        ("import matplotlib.pyplot as plt", "inspection/filters.py"),
        ("import cupy", "net/plan.py"),
        ("def f():\n    import cudnn", "layers/convolution.py"),
        ("import cudnn", "core/gpu/cudnn.py"),
    ],
)
def test_a_planted_arrow_is_found(source: str, path: str) -> None:
    assert broken_arrows(source, Path(path))


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("from ..core.blob import Blob", "layers/pooling.py"),
        ("from .graph import Graph", "net/net.py"),
        ("from . import text", "proto/upgrade.py"),
        ("from owlkit import __version__", "net/net.py"),
        ("if TYPE_CHECKING:\n    from ..training import Run", "solvers/sgd.py"),
        ("def f():\n    import matplotlib.pyplot as plt", "inspection/filters.py"),
        ("import cupy", "kernels/pooling/cuda.py"),
        ("from owlkit.training import train", "cli/train.py"),
    ],
)
def test_an_arrow_that_points_down_is_left_alone(source: str, path: str) -> None:
    assert not broken_arrows(source, Path(path))
