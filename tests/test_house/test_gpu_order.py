"""How tests of a GPU give up: where the basics fail, and after an error in a kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = "pytester"
ROOT = Path(__file__).parents[2]
BASICS = "def test_memory():\n    assert {works}\n"
USES = """
import pytest
from types import SimpleNamespace
from owlkit.core.errors import DeviceError
from tests.support import gpu

@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    def synchronize():
        if {lost}:
            raise DeviceError("an illegal memory access was encountered")
    device = SimpleNamespace(gpu=SimpleNamespace(driver=SimpleNamespace(synchronize=synchronize)))
    monkeypatch.setattr(gpu, "open_device", lambda **options: device)

def test_one(device):
    pass

def test_two(device):
    pass
"""


Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a folder with the conftest of tests/gpu; processes : of pytest -n."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "tests/gpu/conftest.py").read_text())

    def start(*, works: bool = True, lost: bool = False, processes: int = 0) -> pytest.RunResult:
        pytester.makepyfile(test_basics=BASICS.format(works=works), test_kernels=USES.format(lost=lost))
        pytester.makepyfile(test_aside="def test_first_by_name():\n    pass\n")
        return pytester.runpytest_subprocess("-v", "-rs", "-n", str(processes))

    return start


def test_the_basics_come_first_and_all_may_pass(run: Run) -> None:
    result = run()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*test_basics.py::*", "*test_kernels.py::*", "*test_aside.py::*"])


@pytest.mark.parametrize("processes", [0, 1])
def test_where_they_fail_the_rest_is_skipped_with_their_name(run: Run, processes: int) -> None:
    result = run(works=False, processes=processes)
    result.assert_outcomes(failed=1, skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED*the GPU's basics fail: test_memory"])


def test_after_an_error_in_a_kernel_a_process_gives_up(run: Run) -> None:
    result = run(lost=True)
    result.assert_outcomes(passed=2, errors=1, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*the GPU is lost to this process since test_one"])
