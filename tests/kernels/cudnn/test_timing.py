"""Times are taken on random values and with a cache that holds nothing of the run before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor
from owlkit.kernels import convolution
from owlkit.kernels.convolution.cudnn import CudnnKernel
from owlkit.kernels.cudnn import plans, timing, trials
from tests.kernels.cudnn.test_plans import device_with, library, problem
from tests.kernels.cudnn.test_pointwise import SMALL, spec
from tests.kernels.cudnn.test_trials import TIMES, device_for, rehearse, rivals
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


@pytest.fixture
def device() -> GpuDevice:
    return device_with(tune=True)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("shape", [(), (1, 1, 1, 1), (3, 5, 7, 9), (0, 3, 2, 2)])
def test_random_values_of_every_type(
    device: GpuDevice, dtype: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In patterns that are repeated, the last of them cut off where it has to be."""
    pytest.importorskip("ml_dtypes")
    monkeypatch.setattr(timing, "PATTERN", 100)
    tensor = timing.filled(device, Descriptor(shape, dtype, len(shape) == 4))
    values = tensor.flat.astype(np.float64)
    assert device.gpu.uploaded_bytes == 0, "nothing counts as the host's"
    assert np.isfinite(values).all()
    assert (np.abs(values) <= 1).all()
    assert (values != 0).all()
    if values.size > 100:
        count = 100 // np.dtype(tensor.dtype).itemsize
        assert len(np.unique(values[:count])) > 0.8 * count
        np.testing.assert_array_equal(values[count:], values[:-count])


def test_each_run_finds_an_empty_cache(device: GpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as much as it holds is written before, which is not counted."""
    driver: Any = device.gpu.driver
    driver.durations = {"zero": 1.0, "work": 2e-3}
    written: list[int] = []
    zero = driver.zero
    monkeypatch.setattr(driver, "zero", lambda at, nbytes: (written.append(nbytes), zero(at, nbytes)))
    watch = timing.Stopwatch(device, library(device))
    assert watch.seconds(lambda: driver.run("work", lambda: None)) == pytest.approx(2e-3)
    assert written == [2 * driver.properties()["l2_bytes"]]
    assert driver.launched == ["zero", "work"]


def test_plans_and_rivals_are_timed_so() -> None:
    device = device_for()
    driver: Any = device.gpu.driver
    driver.durations |= {"zero": 1.0}
    assert trials.measured(device, "spec", rivals(), rehearse) == pytest.approx(TIMES)
    before = driver.launched.count("zero")
    assert plans.make_plan(device, problem()).engine == "eng0"
    assert driver.launched.count("zero") == before + 3, "one for each plan"


def test_times_that_were_taken_otherwise_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of earlier versions, on zeros that lay in the cache."""
    monkeypatch.setattr(trials, "CONDITIONS", "zeros")
    monkeypatch.setattr(plans, "CONDITIONS", "zeros")
    for _ in range(2):
        device = device_for(tmp_path)
        trials.measured(device, "spec", rivals(), rehearse)
        plans.make_plan(device, problem())
        monkeypatch.undo()
    assert library(device).loaded == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_where_the_cache_cannot_be_emptied_nothing_is_timed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    device = device_for(total=1 << 16)
    driver: Any = device.gpu.driver
    monkeypatch.setattr(driver, "properties", lambda: {"l2_bytes": 1 << 20})
    assert trials.measured(device, "spec", rivals(), rehearse) == {}
    assert "are not timed against each other" in caplog.text


@pytest.mark.parametrize("call", ["plans", "rivals"])
def test_where_values_cannot_be_sent_the_first_is_taken(
    call: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The buffers through which they go are taken at the first copy, when a GPU may be full."""
    device = device_for()

    def full(pointer: int, source: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(device.gpu.driver, "upload", full)
    if call == "plans":
        assert plans.make_plan(device, problem()).engine == "eng25", "the first of the ranking"
        assert "are not all timed" in caplog.text
    else:
        x = Descriptor((2, 3))
        assert trials.measured(device, "spec", rivals(), lambda *_: timing.filled(device, x)) == {}
        assert "are not timed against each other" in caplog.text


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What cuDNN kernels are made for."""
    found: list[Any] = []
    make = CudnnKernel.__init__

    def noted(kernel: CudnnKernel, device: Any, spec: Any, most_workspace: int | None = None) -> None:
        found.append(spec)
        make(kernel, device, spec, most_workspace)

    monkeypatch.setattr(CudnnKernel, "__init__", noted)
    return found


def test_a_kernel_for_all_calls_is_built_once(built: list[Any]) -> None:
    given = spec()
    kernel = convolution.make(device_with(), given)
    assert kernel.implementation.startswith("cudnn (eng25 ")
    assert built == [given]


def test_one_that_refuses_is_asked_for_each_call_alone(built: list[Any]) -> None:
    given = spec(**SMALL)
    assert convolution.make(device_with(), given).implementation == "cuda (gemm)"
    assert built[0] == given
    assert len(built) == 1 + 3


def test_what_the_clock_chose_for_all_calls_is_built_once(tmp_path: Path, built: list[Any]) -> None:
    for _ in range(2):  # the second time the times are known
        built.clear()
        device = device_with(tmp_path, tune=True)
        device.gpu.driver.durations = {"gemm": 5e-3}  # type: ignore[attr-defined]
        assert convolution.make(device, spec()).implementation.startswith("cudnn (")
    assert built == [spec()]
    assert len(list(tmp_path.glob("*.times"))) == 3
