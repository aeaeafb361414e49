"""Every kernel for GPUs against the NumPy reference in float64: the cases of tests/kernels, in all dtypes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from owlkit.core.device import Device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.kernels import Unsupported
from tests.kernels import test_implementations
from tests.kernels.cases import Case, Values
from tests.support import gpu

pytestmark = pytest.mark.gpu
DTYPES = ["float32", "float64", "float16", "bfloat16"]
#: Relative, and absolute to the largest value. Half precision: what is left of 11 and 8 bits after a few
#: roundings in memory, with sums in float32.
TOLERANCES = {"float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}
#: float32 by cuDNN, which may transform tiles (Winograd) and loses digits by it.
BY_CUDNN = 1e-4
HUGE = 1e30
assert np.dtype("bfloat16") == ml_dtypes.bfloat16  # NumPy knows it by that package
CASES = [pair for pair in test_implementations.CASES if pair[1] in test_implementations.ON_GPU]


def outputs(case: Case, dtype: str, device: Device, rounded_to: str) -> dict[str, np.ndarray]:
    """By a kernel of `dtype` with inputs that `rounded_to` holds."""
    spec, values = case.spec(dtype), Values(case.name, rounded_to)
    make = case.make or import_module(f"owlkit.kernels.{case.family}").make
    kernel = make(device, spec)
    case.run(kernel, spec, values)
    assert values.outputs, "the case compares nothing"
    return values.outputs


def in_all_dtypes() -> list[Any]:
    """(case, implementation, dtype); the first of each family in float16 runs on the stand-in too."""
    first = {(case.family, by): case.name for case, by in reversed(CASES)}
    return [
        pytest.param(
            case, by, dtype, id=f"{case.name}-{by}-{dtype}",
            marks=[pytest.mark.also_emulated]
            if first[case.family, by] == case.name and dtype == "float16" else [],
        )
        for case, by in CASES
        for dtype in DTYPES
        if (by, dtype) != ("cudnn", "float64")  # it has none
    ]  # fmt: skip


@pytest.fixture
def device_with_only(
    make_device: Callable[..., GpuDevice], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], GpuDevice]:
    """Makes a device on which nothing else serves; skips where it is cuDNN and that is missing."""

    def make(implementation: str) -> GpuDevice:
        with_cudnn = implementation == "cudnn"
        device = make_device() if gpu.is_real() else make_device(cudnn=with_cudnn)
        device.implementations = (implementation,)
        if with_cudnn:
            try:
                monkeypatch.setattr(device.gpu.driver.cudnn(), "cache", None)  # not into the user's
            except DeviceError as why:
                pytest.skip(str(why))
        return device

    return make


@pytest.mark.parametrize(("case", "implementation", "dtype"), in_all_dtypes())
def test_agrees_with_the_reference(
    case: Case, implementation: str, dtype: str, device_with_only: Callable[[str], GpuDevice]
) -> None:
    device = device_with_only(implementation)
    expected = outputs(case, "float64", Device("cpu", ("reference",)), dtype)
    try:
        found = outputs(case, dtype, device, dtype)
    except Unsupported as refusal:
        if implementation == "cuda":
            raise
        pytest.skip(f"cuDNN has no plan for {dtype}: {refusal}")
    tolerance = TOLERANCES.get(dtype, BY_CUDNN if implementation == "cudnn" else case.tolerance)
    assert found.keys() == expected.keys()
    for name, exact in expected.items():
        with np.errstate(over="ignore"):  # Caffe's -FLT_MAX is minus infinity in float16
            values = exact.astype(found[name].dtype).astype(np.float64)
        usual = np.abs(values[np.abs(values) < HUGE])  # beside -FLT_MAX anything would pass
        scale = max(1.0, float(usual.max(initial=0)))
        mine = found[name].astype(np.float64)
        np.testing.assert_allclose(mine, values, tolerance, tolerance * scale, err_msg=name)
