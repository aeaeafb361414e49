"""The benchmarks' modules, which find each other beside themselves, imported for one test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a module of benchmarks/ by name."""
    names = {path.stem for path in BENCHMARKS.glob("*.py")}
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # importing drops them: to be put back
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield import_module
    for name in names:
        sys.modules.pop(name, None)
