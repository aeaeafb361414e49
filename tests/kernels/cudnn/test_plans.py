"""Which plan is chosen, and that it is kept: on the stand-in for cuDNN, whose plans are known."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor
from owlkit.kernels import Unsupported
from owlkit.kernels.cudnn import kept, plans
from owlkit.kernels.cudnn.problem import Problem, W, X, Y
from tests.support import emulated_gpu
from tests.support.emulated_gpu import cudnn_graph
from tests.support.emulated_gpu.cudnn import EmulatedCudnn
from tests.support.emulated_gpu.driver import EmulatedDriver, at
from tests.support.emulated_gpu.pointers import EmulatedGpu


def problem(kind: str = "fprop", dtype: str = "float32") -> Problem:
    """A small one: 3x3 over 6x6 pixels."""
    x, y = Descriptor((2, 4, 6, 6), dtype, True), Descriptor((2, 8, 6, 6), dtype, True)
    ones = (1, 1)
    return Problem(kind, x, Descriptor((8, 4, 3, 3), dtype, True), y, ones, ones, ones)


def device_with(cache: Path | None = None, about: str = "stand-in", **options: Any) -> GpuDevice:
    driver = EmulatedDriver(options.pop("total", 1 << 33))
    driver.dnn = EmulatedCudnn(driver, cache, about)
    return GpuDevice(EmulatedGpu(driver), **options)


def library(device: GpuDevice) -> EmulatedCudnn:
    found: EmulatedCudnn = device.gpu.driver.cudnn()  # type: ignore[assignment]
    return found


# -- choice
@pytest.mark.parametrize(
    ("options", "dtype", "engine"),
    [
        (dict(tf32=True), "float32", "eng62"),
        ({}, "float32", "eng25"),  # tensor cores would round to TF32
        ({}, "float16", "eng62"),
        (dict(tf32=True, deterministic=True), "float32", "eng62"),
        (dict(deterministic=True), "float32", "eng0"),
        (dict(tune=True), "float32", "eng0"),
        (dict(tune=True, tf32=True), "float32", "eng0"),
        (dict(total=1 << 20, tf32=True), "float32", "eng62"),
        (dict(total=1 << 15, tf32=True), "float32", "eng25"),  # a sixteenth of the memory is all it gets
    ],
)
def test_the_first_of_the_ranking_or_the_fastest(options: dict[str, Any], dtype: str, engine: str) -> None:
    """Never one with sums in half precision or large tiles, that cannot be built, or that is too large."""
    plan = plans.make_plan(device_with(**options), problem(dtype=dtype))
    assert plan.engine == engine
    assert plan.workspace == next(e.workspace for e in cudnn_graph.ENGINES if e.name == plan.name)


def test_what_was_chosen_runs() -> None:
    """After others were built and timed."""
    device = device_with(tune=True)
    plan = plans.make_plan(device, problem())
    driver: Any = device.gpu.driver
    timed = [name for name in driver.launched if name.startswith("cudnn")]
    runs = [f"cudnn {name} fprop" for name in ("eng25_k2=2", "eng0", "eng1_k2=6")]
    assert timed == [name for name in runs for _ in ("to begin with", "captured")]
    buffers = {uid: device.gpu.allocate(d.nbytes) for uid, d in problem().arguments.items()}
    for uid in (X, W):
        at(buffers[uid].pointer, problem().arguments[uid].nbytes).view(np.float32)[...] = 1
    workspace = device.gpu.allocate(plan.workspace)
    plan({uid: buffer.pointer for uid, buffer in buffers.items()}, workspace.pointer)
    assert driver.launched[-1] == "cudnn eng0 fprop"
    assert at(buffers[Y].pointer, 4).view(np.float32) == 4 * 4  # a corner sees 2x2 pixels


def test_timing_gives_its_memory_back() -> None:
    device = device_with(tune=True)
    plans.make_plan(device, problem())
    assert device.gpu.driver.used == 0  # type: ignore[attr-defined]


def test_no_room_to_time(caplog: pytest.LogCaptureFixture) -> None:
    """The ranking decides, and a line says so."""
    device = device_with(total=3000, tune=True)
    assert plans.make_plan(device, problem()).engine == "eng25"
    assert "not all timed" in caplog.text


def test_a_plan_that_fails_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """And where all do, another implementation serves."""
    device = device_with(tune=True)
    real = library(device).seconds

    def fail_at(*engines: str) -> None:
        def seconds(work: Any, before: Any) -> float:
            found = real(work, before)
            ran = [name for name in device.gpu.driver.launched if name.startswith("cudnn")]  # type: ignore[attr-defined]
            if any(f" {engine}" in ran[-1] for engine in engines):
                raise DeviceError("CUDNN_STATUS_EXECUTION_FAILED")
            return found

        library(device).seconds = seconds  # type: ignore[method-assign]

    fail_at("eng0")
    assert plans.make_plan(device, problem()).engine == "eng1"
    assert "fails and is left out: CUDNN_STATUS_EXECUTION_FAILED" in caplog.text
    fail_at("eng")
    with pytest.raises(Unsupported, match="no plan for dgrad"):
        plans.make_plan(device, problem("dgrad"))


def test_no_plan_is_small_enough() -> None:
    with pytest.raises(Unsupported, match="no plan for fprop within 0 MB"):
        plans.make_plan(device_with(total=16 * 39), problem())


@pytest.mark.parametrize("error", [RuntimeError, cudnn_graph.cudnnGraphNotSupportedError])
def test_what_the_front_end_complains_of_is_the_reason(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(graph: Any) -> None:
        raise error("it is broken\nin many words")

    monkeypatch.setattr(cudnn_graph.pygraph, "build_operation_graph", fail)
    with pytest.raises(Unsupported, match=r"^cuDNN: it is broken$"):
        plans.make_plan(device_with(), problem())


def test_no_spatial_axes() -> None:
    """Caffe convolves those too; cuDNN's front end takes them for a padding that somebody forgot."""
    point, w = Descriptor((2, 8)), Descriptor((8, 8))
    with pytest.raises(Unsupported, match="without spatial axes"):
        plans.make_plan(device_with(), Problem("fprop", point, w, point, (), (), ()))


def test_without_cudnn(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is given for every layer, the line once."""
    plans._say_missing.cache_clear()
    for _ in range(2):
        with pytest.raises(Unsupported, match="made without cuDNN"):
            plans.make_plan(emulated_gpu.emulated_device(), problem())
    assert len(caplog.records) == 1


def test_nets_on_a_gpu_share_plans() -> None:
    first = device_with()
    second = GpuDevice(first.gpu)
    assert plans.make_plan(first, problem()) is plans.make_plan(second, problem())
    assert plans.make_plan(GpuDevice(first.gpu, tf32=True), problem()) is not plans.make_plan(
        first, problem()
    )


def test_planning_waits_for_a_capture() -> None:
    """Another thread captures a net, during which no memory can be taken on its GPU."""
    device = device_with(tune=True)
    found: list[str] = []

    def plan() -> None:
        found.append(plans.make_plan(device, problem()).engine)

    thread = threading.Thread(target=plan)

    def work() -> None:
        thread.start()
        thread.join(0.05)
        assert not found

    device.gpu.capture(work)
    thread.join()
    assert found == ["eng0"]


# -- on disk
def test_a_plan_is_kept(tmp_path: Path) -> None:
    first, second = (device_with(tmp_path / "new", tune=True) for _ in range(2))
    made, found = (plans.make_plan(device, problem("wgrad")) for device in (first, second))
    assert (found.name, found.workspace) == (made.name, made.workspace) == ("eng0", 1000)
    assert (library(second).planned, library(second).loaded) == (0, 1)
    assert not list((tmp_path / "new").glob("*.tmp"))


@pytest.mark.parametrize(
    "other", [dict(about="cuDNN 10"), dict(tf32=True), dict(deterministic=True), dict(tune=True)]
)
def test_what_it_was_chosen_for_counts(tmp_path: Path, other: dict[str, Any]) -> None:
    """A plan for another version, device or rule is never taken."""
    plans.make_plan(device_with(tmp_path), problem())
    device = device_with(tmp_path, **other)
    plans.make_plan(device, problem())
    assert library(device).loaded == 0
    assert len(list(tmp_path.glob("*.plan"))) == 2


def _cut(content: bytes) -> bytes:
    return content[:-5]


def _turned(content: bytes) -> bytes:
    return content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: b"[]\n",
        lambda content: b'"text"\n',
        lambda content: b"\xff\xfe\n" + content,
        lambda content: content.replace(b'"format": 2', b'"format": 3'),
        lambda content: content.replace(b"stand-in", b"another!"),
        lambda content: content.replace(b'"name": "eng25', b'"name": "eng26'),
        _cut,
        _turned,
    ],
)
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It never reaches cuDNN, which would crash."""
    plans.make_plan(device_with(tmp_path), problem())
    [path] = tmp_path.glob("*.plan")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    device = device_with(tmp_path)
    assert plans.make_plan(device, problem()).engine == "eng25"
    assert (library(device).planned, library(device).loaded) == (1, 0)
    assert f"{path} is ignored" in caplog.text
    assert path.read_bytes() == whole


def test_a_file_that_cudnn_refuses_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    device = device_with(tmp_path)

    def refuse(content: bytes) -> None:
        raise RuntimeError("made by another build")

    library(device).load = refuse  # type: ignore[method-assign]
    plans.make_plan(device_with(tmp_path), problem())
    plans.make_plan(device, problem())
    assert library(device).planned == 1
    assert "made by another build" in caplog.text


def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file stands in its place."""
    (tmp_path / "taken").write_text("")
    assert plans.make_plan(device_with(tmp_path / "taken"), problem()).engine == "eng25"
    assert "is not kept" in caplog.text


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*paths: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.replace", fail)
    kept.write(tmp_path, "key", kept.Kept({"name": "eng0"}, b"content"))
    assert not list(tmp_path.iterdir())
