"""cuDNN beside CuPy: its handle, streams and captures, against stand-ins that run as late as they may."""

from __future__ import annotations

import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu import cudnn
from owlkit.core.gpu.cupy_driver import CupyDriver
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.gpu.gpu import CaptureError, Gpu
from owlkit.core.tensor import Descriptor
from owlkit.kernels.cudnn import Plan, Problem, W, X, Y, make_plan
from tests.support.fake_cuda import FakeCuda
from tests.support.fake_cudnn import FakeCudnn

SHAPE = (1, 4, 3, 3)


@pytest.fixture(params=[False, True], ids=["main ahead", "main behind"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    return FakeCuda(newest_first=request.param).install(monkeypatch)


@pytest.fixture
def library(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeCudnn:
    monkeypatch.setenv("OWLKIT_CACHE", str(tmp_path))
    fake = FakeCudnn(cuda)
    monkeypatch.setitem(sys.modules, "cudnn", fake.module())
    return fake


@pytest.fixture
def device(library: FakeCudnn) -> GpuDevice:
    return GpuDevice(Gpu(CupyDriver(0)))


def pointwise() -> Problem:
    """y = w x for each pixel, 4 channels to 4."""
    image, ones = Descriptor(SHAPE, "float32", True), (1, 1)
    return Problem("fprop", image, Descriptor((4, 4, 1, 1), "float32", True), image, ones, (0, 0), ones)


class Work:
    """A plan with its memory; w is twice the identity."""

    def __init__(self, device: GpuDevice) -> None:
        self.driver: Any = device.gpu.driver
        self.plan: Plan = make_plan(device, pointwise())
        sizes = {uid: d.nbytes for uid, d in pointwise().arguments.items()}
        self.buffers = {uid: self.driver.allocate(nbytes) for uid, nbytes in sizes.items()}
        self.space = self.driver.allocate(self.plan.workspace)
        self.driver.upload(self.buffers[W].pointer, 2 * np.eye(4, dtype=np.float32))

    def feed(self, value: float) -> None:
        self.driver.upload(self.buffers[X].pointer, np.full(SHAPE, value, np.float32))

    def run(self) -> None:
        self.plan({uid: buffer.pointer for uid, buffer in self.buffers.items()}, self.space.pointer)

    @property
    def result(self) -> float:
        found = np.empty(SHAPE, np.float32)
        self.driver.download(found, self.buffers[Y].pointer)
        assert (found == found.flat[0]).all()
        return float(found.flat[0])


def test_runs_in_the_order_of_the_main_stream(device: GpuDevice, library: FakeCudnn) -> None:
    work = Work(device)
    for value in (3.0, 4.0):
        work.feed(value)
        work.run()
    work.feed(5.0)
    assert work.result == 8.0
    assert library.switched == [device.gpu.driver.stream]
    assert library.handles == 1


def test_is_captured_and_replayed(device: GpuDevice, library: FakeCudnn) -> None:
    work = Work(device)
    work.feed(1.0)
    work.run()
    replay = device.gpu.capture(work.run)
    assert work.result == 2.0
    for value in (3.0, 4.0):
        work.feed(value)
        replay.launch()
        assert work.result == 2 * value
    work.feed(5.0)
    work.run()  # on the main stream again
    assert work.result == 10.0
    assert len(library.switched) == 3


def test_another_thread_keeps_its_stream_during_a_capture(device: GpuDevice) -> None:
    """What it queues runs and is not captured."""
    ours, theirs = Work(device), Work(device)
    theirs.feed(7.0)

    def both() -> None:
        ours.run()
        thread = threading.Thread(target=theirs.run)
        thread.start()
        thread.join()
        ours.run()

    replay = device.gpu.capture(both)
    assert theirs.result == 14.0
    theirs.feed(0.0)
    theirs.run()
    ours.feed(1.0)
    theirs.feed(9.0)
    replay.launch()
    assert (ours.result, theirs.result) == (2.0, 0.0)


def test_plans_are_made_with_their_gpu_current(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cuda = FakeCuda(number=1).install(monkeypatch)
    cuda.contexts.add(0)
    monkeypatch.setenv("OWLKIT_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "cudnn", FakeCudnn(cuda).module())
    Work(GpuDevice(Gpu(CupyDriver(1), 1)))
    assert cuda.runtime().getDevice() == 0


@pytest.mark.parametrize("forgotten", ["before it runs", "while it runs", "with its last user"])
def test_a_plan_exists_until_its_work_is_done(device: GpuDevice, cuda: FakeCuda, forgotten: str) -> None:
    """Its kernels go with it. CuPy's current stream, of a user's `with` block, knows nothing of that work."""
    driver: Any = device.gpu.driver
    work, choices = Work(device), device.gpu.choices
    graph = weakref.ref(work.plan._graph)
    work.feed(1.0)
    if forgotten == "before it runs":
        choices.clear()
    with driver.at_work(), driver.context.cuda.Stream(non_blocking=True) as theirs:
        work.run()
        if forgotten == "while it runs":
            choices.clear()
        del work.plan
        choices.clear()
        theirs.synchronize()
        driver.hold("what is done is let go by the next")
    assert work.result == 2.0
    driver.synchronize()
    assert graph() is None


def test_timing_counts_some_rounds_after_a_first(device: GpuDevice) -> None:
    work, runs = Work(device), []

    def queue_two() -> None:
        runs.append(1)
        work.run()
        work.run()

    def queue_another() -> None:
        runs.append(0)
        work.run()

    assert device.gpu.driver.cudnn().seconds(queue_two, queue_another) == pytest.approx(2e-3)
    assert runs == [1] + [0, 1] * cudnn.ROUNDS, "what comes before is not counted"


def test_plans_are_timed_as_they_are_replayed(library: FakeCudnn) -> None:
    """Each is captured, beside the main stream, where it runs when it was chosen."""
    device = GpuDevice(Gpu(CupyDriver(0)), tune=True)
    work = Work(device)
    main = device.gpu.driver.stream
    assert library.switched[0] == main
    assert len(set(library.switched)) == 2
    work.feed(3.0)
    work.run()
    assert work.result == 6.0
    assert library.switched[-1] == main


def test_plans_depend_on_versions_and_device(device: GpuDevice, tmp_path: Path) -> None:
    library = device.gpu.driver.cudnn()
    assert library.cache == tmp_path / "cudnn"
    for part in ("cuDNN 91901", "front end 1.28.0", "CUDA driver", "(9, 0)"):
        assert part in library.about
    make_plan(device, pointwise())
    assert len(list(library.cache.glob("*.plan"))) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "home/.cache/owlkit/cudnn"),
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/owlkit/cudnn"),
        ({"XDG_CACHE_HOME": "/caches", "OWLKIT_CACHE": "/mine"}, "/mine/cudnn"),
    ],
)
def test_where_plans_are_kept(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_CACHE_HOME", "OWLKIT_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cudnn.cache_folder() == tmp_path / expected


# -- what fails
def test_without_the_front_end(device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cudnn", None)
    with pytest.raises(DeviceError, match=r"front end cannot be imported .*; pip install 'owlkit\[gpu\]'"):
        device.gpu.driver.cudnn()


def test_without_the_library(device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> int:
        raise RuntimeError("libcudnn.so.9: cannot open")

    monkeypatch.setattr(sys.modules["cudnn"], "backend_version", missing)
    with pytest.raises(DeviceError, match=r"library was not found \(libcudnn.so.9.*pip install"):
        device.gpu.driver.cudnn()


def test_that_cannot_be_opened(device: GpuDevice, library: FakeCudnn) -> None:
    library.broken = "CUDNN_STATUS_NOT_INITIALIZED"
    with pytest.raises(DeviceError, match="cannot be opened on GPU 0: CUDNN_STATUS_NOT_INITIALIZED"):
        device.gpu.driver.cudnn()


def test_an_error_while_running(device: GpuDevice, cuda: FakeCuda) -> None:
    """It tells the GPU; during a capture it is the capture's."""
    work = Work(device)
    work.driver.synchronize()
    streams = dict(cuda.streams)
    aside = [ptr for ptr, stream in streams.items() if stream.non_blocking]
    for ptr in aside:
        del cuda.streams[ptr]
    with pytest.raises(CaptureError, match="CUDNN_STATUS_EXECUTION_FAILED"):
        device.gpu.capture(work.run)
    cuda.streams.clear()
    with pytest.raises(DeviceError, match="GPU 0: CUDNN_STATUS_EXECUTION_FAILED"):
        work.run()
