"""The driver for CuPy on a stand-in for CUDA whose streams run as late as they may."""

from __future__ import annotations

from typing import Any

import pytest

from owlkit.core.gpu import cublas
from owlkit.core.gpu.cupy_driver import CupyDriver
from tests.core.on_fake_cuda import add
from tests.support.fake_cublas import FakeCublas
from tests.support.fake_cuda import FakeCuda


@pytest.fixture(params=[False, True], ids=["main ahead", "main behind"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    return FakeCuda(newest_first=request.param).install(monkeypatch)


@pytest.fixture
def driver(cuda: FakeCuda) -> CupyDriver:
    return CupyDriver(0)


@pytest.fixture
def products(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> FakeCublas:
    library = FakeCublas(lambda stream, work: cuda.streams[stream].queue(work))
    monkeypatch.setattr(cublas, "load", lambda version: library)
    return library


@pytest.fixture
def kernel(driver: CupyDriver, cuda: FakeCuda) -> Any:
    cuda.kernels[77] = ("add", add)
    return driver.compile("KERNEL add(...)", {"T": "float", "A": "float"}, ["add"])["add"]
