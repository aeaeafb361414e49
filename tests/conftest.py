"""What all tests share: temporary caches, and skips that say what a machine lacks."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from typing import Any

import pytest

from owlkit.core import device, machine
from owlkit.core.gpu import detection
from owlkit.core.gpu.detection import obstacle
from tests.support import emulated_gpu, imagined_cuda

if imagined_cuda.wanted():  # before anybody looks for a GPU
    imagined_cuda.begin()

# Matplotlib's list of fonts, made anew: one that names fonts which are gone lets every picture complain.
os.environ["MPLCONFIGDIR"] = _CACHE = tempfile.mkdtemp(prefix="owlkit-tests-")
# One of several processes: threads that wait for work leave the cores to the others. Read with libgomp.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# A shell's background jobs ignore it; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    """Where there is a GPU, only tests about one compute there: to others the default is the CPU."""
    if not no_gpu():
        device._default = lambda: "cpu"


@pytest.fixture(autouse=True)
def _gpu_for_its_own_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So with programs that a test starts; in this process, where the driver has read the variable already,
    owlkit finds none.
    """
    if not no_gpu() and request.node.get_closest_marker("gpu") is None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.setattr(detection, "found_gpus", lambda: machine.Gpus(reason="it is for other tests"))


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By file, where -n comes without a --dist."""
    from tests.support.scheduling import by_file

    return by_file(config, log) if config.getoption("dist") == "load" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from tests.support.scheduling import put_the_longest_first

        put_the_longest_first(items)
    skips = {"browser": no_browser(), "gpu": no_gpu()}
    for item in items:
        for name, reason in skips.items():
            if reason and item.get_closest_marker(name) and not (name == "gpu" and stands_in(item)):
                item.add_marker(pytest.mark.skip(reason=reason))


def no_browser() -> str:
    return "" if shutil.which("chromium") else "no chromium on PATH (Debian: apt install chromium)"


def no_gpu() -> str:
    return obstacle(0)


def stands_in(item: pytest.Item) -> bool:
    """Whether the stand-in takes the place of a GPU: in a few tests, or in all with OWLKIT_EMULATED=all."""
    everything = os.environ.get("OWLKIT_EMULATED") == "all"
    marked = item.get_closest_marker("also_emulated") is not None
    return (everything or marked) and emulated_gpu.available()
