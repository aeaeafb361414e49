"""Rivals timed against each other: which is asked first, what the plan is told, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from owlkit.core.device import Device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.kernels import Unsupported, choose
from owlkit.kernels.cudnn.trials import TURNS, measured
from tests.kernels.cudnn.test_plans import device_with
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
TIMES = {"cudnn": 4e-3, "cudnn turned": 1e-3, "cuda": 2e-3}


class Kernel:
    """Launches one thing, whose name is the maker's; wants scratch memory."""

    def __init__(self, device: Any, name: str, nbytes: int) -> None:
        device.reserve_scratch(nbytes)
        self._device, self._name = device, name
        self.detail = name.upper()

    def __call__(self) -> None:
        self._device.workspace()
        self._device.gpu.driver.run(self._name, lambda: None)


def rivals(*refusing: str) -> dict[str, Callable[[Any, Any], Any]]:
    """Makers of kernels whose scratch memory has as many bytes as they take µs."""

    def maker(name: str) -> Callable[[Any, Any], Any]:
        def make(device: Any, spec: Any) -> Kernel:
            if name in refusing:
                raise Unsupported(f"{name} is not for {spec}")
            return Kernel(device, name, int(TIMES[name] * 1e6))

        return make

    return {name: maker(name) for name in TIMES}


def rehearse(device: Any, spec: Any) -> Callable[[Any], None]:
    return lambda kernel: kernel()


def device_for(cache: Path | None = None, **options: Any) -> GpuDevice:
    device = device_with(cache, **({"tune": True} | options))
    device.gpu.driver.durations = dict(TIMES)  # type: ignore[attr-defined]
    return device


def launched(device: GpuDevice) -> list[str]:
    found: list[str] = device.gpu.driver.launched  # type: ignore[attr-defined]
    return found


def test_the_fastest_is_taken_and_the_plan_is_told() -> None:
    device, makers = device_for(), rivals()
    times = measured(device, "spec", makers, rehearse)
    assert times == pytest.approx(TIMES)
    kernel = choose(device, "spec", makers, times)
    assert kernel.implementation == "cudnn turned (CUDNN TURNED, 1 ms)"
    assert kernel.refused == {"cuda": "slower, 2 ms", "cudnn": "slower, 4 ms"}
    assert device.scratch_bytes == 1000, "what only a loser wants is not reserved"


def test_each_runs_once_before_it_is_captured() -> None:
    device = device_for()
    measured(device, "spec", rivals(), rehearse)
    assert launched(device) == [name for name in TIMES for _ in range(2)] + ["zero"] * TURNS * len(TIMES)
    device = device_for(graph=False)
    assert measured(device, "spec", rivals(), rehearse) == pytest.approx(TIMES)


def test_in_their_order_where_nothing_is_timed() -> None:
    device, makers = device_for(tune=False), rivals()
    assert measured(device, "spec", makers, rehearse) == {}
    kernel = choose(device, "spec", makers)
    assert (kernel.implementation, kernel.refused) == ("cudnn (CUDNN)", {})
    assert launched(device) == []
    assert measured(Device("cpu", ("reference",)), "spec", makers, rehearse) == {}


def test_one_that_cannot_serve_is_no_rival() -> None:
    device, makers = device_for(), rivals("cudnn turned")
    times = measured(device, "spec", makers, rehearse)
    assert set(times) == {"cudnn", "cuda"}
    kernel = choose(device, "spec", makers, times)
    assert kernel.implementation == "cuda (CUDA, 2 ms)"
    assert kernel.refused == {"cudnn": "slower, 4 ms"}


def test_one_alone_is_not_run() -> None:
    device, makers = device_for(), rivals("cudnn turned", "cudnn")
    times = measured(device, "spec", makers, rehearse)
    assert times == {}
    assert launched(device) == []
    kernel = choose(device, "spec", makers, times)
    assert kernel.implementation == "cuda (CUDA)"
    assert kernel.refused["cudnn turned"] == "cudnn turned is not for spec"


def test_one_that_fails_is_asked_last(caplog: pytest.LogCaptureFixture) -> None:
    device, makers = device_for(), rivals()

    def failing(device: Any, spec: Any) -> Callable[[Any], None]:
        def run(kernel: Kernel) -> None:
            if kernel.detail == "CUDNN TURNED":
                raise DeviceError("CUDNN_STATUS_EXECUTION_FAILED")
            kernel()

        return run

    times = measured(device, "spec", makers, failing)
    assert choose(device, "spec", makers, times).implementation.startswith("cuda ")
    assert "cudnn turned fails and is left out: CUDNN_STATUS_EXECUTION_FAILED" in caplog.text


def test_too_little_memory(caplog: pytest.LogCaptureFixture) -> None:
    device = device_for(total=3000)
    assert measured(device, "spec", rivals(), rehearse) == {}
    assert "cudnn and cudnn turned and cuda are not timed against each other" in caplog.text


def test_without_cudnn_there_is_one() -> None:
    device = emulated_gpu.emulated_device(tune=True)
    assert measured(device, "spec", rivals(), rehearse) == {}


def test_times_are_kept(tmp_path: Path) -> None:
    """For this device, these rivals and this operation."""
    first = measured(device_for(tmp_path), "spec", rivals(), rehearse)
    again = device_for(tmp_path)
    assert measured(again, "spec", rivals(), rehearse) == first
    assert launched(again) == []
    for others in (dict(about="another GPU"), dict(tf32=True)):
        anew = device_for(tmp_path, **others)
        measured(anew, "spec", rivals(), rehearse)
        assert launched(anew)
    assert measured(again, "another", rivals(), rehearse)
    assert launched(again)


def test_nets_on_a_gpu_share_times() -> None:
    device = device_for()
    measured(device, "spec", rivals(), rehearse)
    before = list(launched(device))
    measured(GpuDevice(device.gpu, tune=True), "spec", rivals(), rehearse)
    assert launched(device) == before


def test_a_device_may_take_one_way_alone() -> None:
    device = device_for(tune=False)
    device.implementations = ("cudnn turned", "cuda")
    assert choose(device, "spec", rivals()).implementation == "cudnn turned (CUDNN TURNED)"
    device.implementations = ("cuda",)
    assert choose(device, "spec", rivals(), TIMES).implementation == "cuda (CUDA, 2 ms)"
