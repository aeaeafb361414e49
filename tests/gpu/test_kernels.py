"""Every kernel for GPUs against the NumPy reference in float64: the cases of tests/kernels, in all dtypes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from owlkit.core.device import Device
from owlkit.core.gpu.device import GpuDevice
from owlkit.kernels import Unsupported
from tests.kernels import test_implementations
from tests.kernels.cases import Case, Values

pytestmark = pytest.mark.gpu
DTYPES = ["float32", "float64", "float16", "bfloat16"]
#: Relative, and absolute to the largest value. Half precision: what is left of 11 and 8 bits after a few
#: roundings in memory, with sums in float32.
TOLERANCES = {"float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}
#: float32 by cuDNN, which may transform tiles (Winograd) and loses digits by it.
BY_CUDNN = 1e-4
assert np.dtype("bfloat16") == ml_dtypes.bfloat16  # NumPy knows it by that package
CASES = [case for case, implementation in test_implementations.CASES if implementation == "cuda"]


def outputs(case: Case, dtype: str, device: Device, rounded_to: str) -> tuple[dict[str, np.ndarray], str]:
    """By a kernel of `dtype` with inputs that `rounded_to` holds; and whose kernel it is."""
    spec, values = case.spec(dtype), Values(case.name, rounded_to)
    make = case.make or import_module(f"owlkit.kernels.{case.family}").make
    kernel = make(device, spec)
    case.run(kernel, spec, values)
    assert values.outputs, "the case compares nothing"
    return values.outputs, kernel.implementation.split()[0]


def in_all_dtypes() -> list[Any]:
    """(case, dtype) as parameters; the first case of each family in float16 runs on the stand-in too."""
    first = {case.family: case for case in reversed(CASES)}
    return [
        pytest.param(
            case, dtype, id=f"{case.name}-{dtype}",
            marks=[pytest.mark.also_emulated] if (case, dtype) == (first[case.family], "float16") else [],
        )
        for case in CASES
        for dtype in DTYPES
    ]  # fmt: skip


@pytest.mark.parametrize(("case", "dtype"), in_all_dtypes())
def test_agrees_with_the_reference(case: Case, dtype: str, make_device: Callable[..., GpuDevice]) -> None:
    device = make_device()
    device.implementations = ("cudnn", "cuda")
    expected, _ = outputs(case, "float64", Device("cpu", ("reference",)), dtype)
    try:
        found, implementation = outputs(case, dtype, device, dtype)
    except Unsupported as refusal:
        if dtype in ("float16", "bfloat16"):
            pytest.skip(f"not in {dtype}: {refusal}")
        raise
    tolerance = TOLERANCES.get(dtype, BY_CUDNN if implementation == "cudnn" else case.tolerance)
    assert found.keys() == expected.keys()
    for name, exact in expected.items():
        with np.errstate(over="ignore"):  # Caffe's -FLT_MAX is minus infinity in float16
            values = exact.astype(found[name].dtype).astype(np.float64)
        scale = max(1.0, float(np.abs(values[np.isfinite(values)]).max(initial=0)))
        mine = found[name].astype(np.float64)
        np.testing.assert_allclose(mine, values, tolerance, tolerance * scale, err_msg=name)
