"""What there is to compute on, with and without a GPU (a driver that is made up)."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from owlkit.cli.main import main
from owlkit.core import machine
from owlkit.core.errors import DeviceError


class Driver:
    """As much of libcuda as is asked: two GPUs, or an error at the start."""

    names = (b"Tesla K40c", b"GeForce GTX 980")

    def __init__(self, status: int = 0) -> None:
        self.status = status

    def cuInit(self, flags: int) -> int:
        return self.status

    def cuDriverGetVersion(self, number: Any) -> None:
        number._obj.value = 12040

    def cuDeviceGetCount(self, number: Any) -> None:
        number._obj.value = len(self.names)

    def cuDeviceGet(self, device: Any, index: int) -> None:
        device._obj.value = index

    def cuDeviceGetName(self, name: Any, length: int, device: Any) -> None:
        name.value = self.names[device.value]

    def cuDeviceTotalMem_v2(self, total: Any, device: Any) -> None:
        total._obj.value = (12 << 30, 4 << 30)[device.value]

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> None:
        known = {75: (3, 5), 76: (5, 2), 16: (15, 16), 13: (745_000, 0), 36: (3_004_000, 0), 37: (384, 0)}
        known |= {32: (1, 0), 33: (0x1B, 2), 38: (1536 << 10, 0), 97: (48 << 10, 0)}
        if attribute in known:
            value._obj.value = known[attribute][device.value]


def load(monkeypatch: pytest.MonkeyPatch, driver: Driver | None) -> None:
    def library(name: str) -> Driver:
        if driver is None:
            raise OSError(f"{name}: cannot open shared object file")
        return driver

    monkeypatch.setattr(machine.ctypes, "CDLL", library)


def test_two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, Driver())
    found = machine.gpus()
    assert found.driver == (12, 4)
    first = found.found[0]
    assert (first.name, first.memory_bytes) == ("Tesla K40c", 12 << 30)
    assert (first.capability, first.multiprocessors) == ((3, 5), 15)
    assert (first.clock_hz, first.l2_bytes, first.ecc, first.bus) == (
        745 * 10**6,
        1536 << 10,
        True,
        "0000:1b:00",
    )
    assert first.memory_bytes_per_second == pytest.approx(288.4e9, rel=1e-3)
    assert [gpu.capability for gpu in found.found] == [(3, 5), (5, 2)]


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (None, "NVIDIA's driver (libcuda) is not installed"),
        (Driver(100), "finds none it can use (CUDA error 100)"),
    ],
)
def test_why_there_is_none(driver: Driver | None, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, driver)
    assert machine.gpus().found == ()
    assert reason in machine.gpus().reason


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [machine.Gpu(index, f"GPU number {index}", 4 << 30, (5, 2), 16) for index in (0, 1)]
    monkeypatch.setattr(machine, "gpus", lambda: machine.Gpus(tuple(gpus), "", (12, 4)))


@pytest.fixture
def none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpus", lambda: machine.Gpus(reason="none is plugged in"))


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(("asked", "status"), [("0", 0), ("0,1", 0), ("all", 0), ("2", 4), ("1,7", 4)])
def test_gpus_that_must_be_there(asked: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device_query", "-gpu", asked]) == status
    out, err = capsys.readouterr()
    assert "GPU 1  GPU number 1, 4.0 GiB\n       compute capability 5.2, 16 multiprocessors" in out
    assert ("there are 0, 1" in err) == (status == 4)


@pytest.mark.usefixtures("two")
def test_which_gpus_are_used_and_why_others_are_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def resolved(name: str) -> Any:
        if name == "gpu:1":
            raise DeviceError("GPU 1: compute capability 5.2 is too old")
        return SimpleNamespace(name=name)

    monkeypatch.setattr("owlkit.core.device.resolve_device", resolved)
    assert main(["device-query"]) == 0
    told = capsys.readouterr().out.splitlines()[-2:]
    assert told == ["used   cpu, gpu:0", "       not gpu:1 (GPU 1: compute capability 5.2 is too old)"]
    main(["device-query", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["used"] == ["cpu", "gpu:0"]
    assert list(found["not_used"]) == ["gpu:1"]


def test_what_the_driver_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    load(monkeypatch, Driver())
    main(["device-query"])
    out = capsys.readouterr().out
    assert "memory 384 bits wide, 288 GB/s at most, errors corrected (ECC)" in out
    assert "L2 cache 2 MiB, 48 KiB shared memory for a block" in out
    assert "clock 745 MHz at most, PCI 0000:1b:00" in out
    assert out.count("memory 384") == 1, "of the other one the driver does not tell"
    assert "CuPy: " in out


@pytest.mark.usefixtures("none")
def test_no_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device-query"]) == 0
    assert capsys.readouterr().out.endswith("GPU    none: none is plugged in\nused   cpu\n")
    for asked in ("0", "all"):
        assert main(["device-query", "--gpu", asked]) == 4
        assert "there is no GPU" in capsys.readouterr().err
    assert main(["device-query", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gpus"] == []
    assert found["cpu"]["cores"] >= 1
    assert found["used"][0] == "cpu"


def test_a_gpu_that_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["device-query", "--gpu", "first"])
    assert stopped.value.code == 2
    assert "give numbers" in capsys.readouterr().err
