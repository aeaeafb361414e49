"""Why a GPU cannot be used, found out without CuPy, and what to do about it."""

from __future__ import annotations

from importlib import metadata

import pytest

from owlkit.core import machine
from owlkit.core.gpu import detection

H100 = machine.Gpu(0, "NVIDIA H100 80GB HBM3", 80 << 30, (9, 0), 132)


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(detection, "found_gpus", lambda: machine.Gpus((H100,), "", (13, 0)))
    monkeypatch.setattr(detection, "cupy_installed", lambda: True)
    monkeypatch.setattr(detection, "cuda_of_cupy", lambda: 13)


@pytest.mark.usefixtures("say")
class TestObstacle:
    def test_none(self) -> None:
        assert detection.obstacle(0) == ""

    def test_a_driver_that_is_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(detection, "found_gpus", lambda: machine.Gpus((H100,), "", (12, 8)))
        expected = "the driver serves CUDA 12.8, and CuPy is made for CUDA 13: update NVIDIA's driver, or pip"
        assert detection.obstacle(0).startswith(expected)
        assert detection.obstacle(0).endswith("pip install 'owlkit[gpu12]'")
        for served_by in (12, None):  # None: of conda, which fits itself to the driver
            monkeypatch.setattr(detection, "cuda_of_cupy", lambda version=served_by: version)
            assert detection.obstacle(0) == ""

    def test_hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        found = "there is no GPU 1: this machine has 1, counted from 0, CUDA_VISIBLE_DEVICES='0'"
        assert detection.obstacle(1) == found
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.setattr(detection, "found_gpus", lambda: machine.Gpus(reason="none is seen"))
        found = "no NVIDIA GPU can be used (none is seen, CUDA_VISIBLE_DEVICES=''); use device='cpu'"
        assert detection.obstacle(0) == found

    def test_no_cupy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(detection, "cupy_installed", lambda: False)
        assert detection.obstacle(0).startswith("CuPy is not installed; pip install 'owlkit[gpu]'")


def test_which_cuda_cupy_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package != "cupy-cuda12x":
            raise metadata.PackageNotFoundError
        return "14.2.0"

    detection.cuda_of_cupy.cache_clear()
    monkeypatch.setattr(metadata, "version", version)
    assert detection.cuda_of_cupy() == 12
    detection.cuda_of_cupy.cache_clear()
