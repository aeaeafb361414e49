"""The GPU that these tests run on: the real one, an imagined one, or the stand-in where there is none.

`pytest -m gpu` runs them, `test_basics.py` first: where that fails, all others are skipped, in every process
of the run. Without a GPU a few, marked `also_emulated`, run on the stand-in, and with OWLKIT_EMULATED=all
every one, which takes minutes. OWLKIT_IMAGINED_GPU=lazy runs them through the real CuPy without a GPU; see
`tests.support.imagined_cuda`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from tests.support import gpu

HERE = Path(__file__).parent
BASICS = "test_basics.py"
#: Seconds of a test on a real GPU; the first ones load libraries of a gigabyte.
LIMITS = {BASICS: 120}
USUAL_LIMIT = 200
_lost: list[str] = []  # the test after which this process can use the GPU no more
#: What is quick and much stands on comes before what takes long.
ORDER = (BASICS, "test_order.py", "test_kernels.py", "test_cudnn.py", "test_training.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put ours in order, at the places where they are; what waits for a GPU for ever ends its process.

    A signal would wait too, until the call that hangs returns.
    """
    places = [i for i, item in enumerate(items) if item.path.parent == HERE]
    ours = sorted((items[i] for i in places), key=lambda item: _rank(item.path.name))
    for place, item in zip(places, ours, strict=True):
        items[place] = item
        if gpu.is_real():
            limit = LIMITS.get(item.path.name, USUAL_LIMIT)
            item.add_marker(pytest.mark.timeout(limit, method="thread"))


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


@pytest.fixture(autouse=True)
def basis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Skips what stands on something that has failed, in whichever process of this run, and what comes after
    an error in a kernel: CUDA then refuses all further work of the process.
    """
    if _lost:
        pytest.skip(f"the GPU is lost to this process since {_lost[0]}")
    folder = tmp_path_factory.getbasetemp()
    broken = (folder.parent if hasattr(request.config, "workerinput") else folder) / "gpu-basics"
    if request.path.name != BASICS:
        if broken.exists():
            pytest.skip(f"the GPU's basics fail: {broken.read_text()}")
        yield
        return
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before and not broken.exists():
        broken.write_text(request.node.name)


@pytest.fixture
def make_device(request: pytest.FixtureRequest) -> Iterator[Callable[..., GpuDevice]]:
    """Makes a device with the given options (tf32, deterministic, graph); waits for the GPU at the end."""
    made: list[GpuDevice] = []

    def make(**options: Any) -> GpuDevice:
        made.append(gpu.open_device(**options))
        return made[-1]

    yield make
    try:
        for device in made:
            device.gpu.driver.synchronize()  # an error in a kernel belongs to the test that launched it
    except DeviceError:
        _lost.append(request.node.name)
        raise


@pytest.fixture
def device(make_device: Callable[..., GpuDevice]) -> GpuDevice:
    """A GPU with the options as they are by default."""
    return make_device()
