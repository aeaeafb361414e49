"""cuDNN on real hardware: whichever plan is taken gives the same, timing runs, a choice is found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from owlkit.core.device import Device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import convolution
from tests.support import gpu

pytestmark = pytest.mark.gpu
OPTIONS = [{}, dict(deterministic=True), dict(tune=True), dict(tf32=True, tune=True)]


@pytest.fixture
def make_cudnn(
    make_device: Callable[..., GpuDevice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., GpuDevice]:
    """Makes a device on which only cuDNN serves, with an empty folder for plans."""

    def make(**options: bool) -> GpuDevice:
        device = make_device(**options) if gpu.is_real() else make_device(cudnn=True, **options)
        try:
            monkeypatch.setattr(device.gpu.driver.cudnn(), "cache", tmp_path)
        except DeviceError as why:
            pytest.skip(str(why))
        device.gpu.programs.clear()  # plans of other tests
        device.implementations = ("cudnn",)
        return device

    return make


def spec(dtype: str = "float32") -> convolution.Convolution:
    """3x3 from 32 channels to 64, over 14x14 pixels."""
    x, y = (Descriptor((8, channels, 14, 14), dtype, True) for channels in (32, 64))
    ones = (1, 1)
    return convolution.Convolution(x, y, (64, 32, 3, 3), ones, ones, ones, weights_channels_last=True)


def results(device: GpuDevice, dtype: str = "float32") -> list[np.ndarray]:
    """y, dx and dw with a gradient that is added to."""
    rng, described = np.random.default_rng(3), spec(dtype)
    w = Tensor(Descriptor(described.weights, dtype, True))
    x, dy, b = Tensor(described.x), Tensor(described.y), Tensor(Descriptor((64,), dtype))
    for tensor in (x, w, dy, b):
        tensor.array[...] = np.round(rng.standard_normal(tensor.shape) * 8) / 8
    y, dx, dw = Tensor(described.y), Tensor(described.x), Tensor(w.descriptor)
    db = Tensor(b.descriptor)
    kernel = convolution.make(device, described)
    kernel.forward(x, w, b, y)
    kernel.backward_data(dy, w, dx)
    kernel.backward_params(x, dy, dw, db, False)
    kernel.backward_params(x, dy, dw, db, True)
    return [np.array(tensor.array, np.float64) for tensor in (y, dx, dw, db)]


@pytest.mark.also_emulated
@pytest.mark.parametrize("options", OPTIONS)
def test_whichever_plan_is_taken(make_cudnn: Callable[..., GpuDevice], options: dict[str, bool]) -> None:
    """Eighths are exact in TF32 too."""
    expected = results(Device("cpu", ("reference",)))
    for found, exact in zip(results(make_cudnn(**options)), expected, strict=True):
        np.testing.assert_allclose(found, exact, 1e-4, 1e-4 * float(np.abs(exact).max()))


@pytest.mark.also_emulated
def test_a_kept_plan_gives_the_same(make_cudnn: Callable[..., GpuDevice], tmp_path: Path) -> None:
    made = results(make_cudnn(deterministic=True))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.plan")}
    assert len(kept) == 3
    again = results(make_cudnn(deterministic=True))
    for found, exact in zip(again, made, strict=True):
        np.testing.assert_array_equal(found, exact)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.plan")} == kept
