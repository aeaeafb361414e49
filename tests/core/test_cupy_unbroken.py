"""Several threads on one GPU by CuPy: between the kernels of one product nobody else's work is queued."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from owlkit.core.gpu import cublas
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.driver import Matrix
from tests.support.fake_cublas import FakeCublas
from tests.support.fake_cuda import FakeCuda


class InParts(FakeCublas):
    """Its products are two kernels; as by ctypes, other threads run while it queues them.

    queued : who queued something, in order.
    """

    queued: list[str]

    def cublasGemmEx(self, *args: object) -> int:
        name = threading.current_thread().name
        self.queued.append(name)
        time.sleep(0.02)
        self.queued.append(name)
        return super().cublasGemmEx(*args)


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> InParts:
    cuda = FakeCuda(newest_first=False).install(monkeypatch)
    library = InParts(lambda stream, work: cuda.streams[stream].queue(work))
    library.queued = []
    monkeypatch.setattr(cublas, "load", lambda version: library)
    return library


def multiplier(driver: CupyDriver) -> Callable[[], None]:
    buffer = driver.allocate(3 * 16)
    driver.upload(buffer.pointer, np.zeros(48, np.uint8))
    a, b, c = (Matrix(buffer.pointer + 16 * i, 2) for i in range(3))
    return lambda: driver.gemm((2, 2, 2), a, b, c, dtype="float32")


def together(*works: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work, name=str(i)) for i, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_products_of_two_threads(products: InParts) -> None:
    work = multiplier(CupyDriver(0))
    together(*(lambda: [work() for _ in range(3)] for _ in range(2)))
    assert len(products.queued) == 12
    assert products.queued[::2] == products.queued[1::2], "the parts of a product follow one another"


def test_a_graph_beside_products(products: InParts, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = CupyDriver(0)
    work = multiplier(driver)
    work()
    driver.begin_capture()
    work()
    graph = driver.end_capture()
    products.queued.clear()
    launch = graph._graph.launch
    monkeypatch.setattr(
        graph._graph, "launch", lambda stream: (products.queued.append("graph"), launch(stream))
    )

    def replays() -> None:
        for _ in range(20):
            graph.launch()
            time.sleep(0.003)

    together(lambda: [work() for _ in range(4)], replays)
    starts = [i for i, name in enumerate(products.queued) if name == "0"][::2]
    assert len(starts) == 4
    assert all(products.queued[i : i + 2] == ["0", "0"] for i in starts), products.queued
    assert products.queued.count("graph") == 20
