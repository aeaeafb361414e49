"""Every kernel for GPUs against the NumPy reference in float64: the cases of tests/kernels, in all dtypes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import ml_dtypes
import numpy as np
import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.kernels import Unsupported
from tests.kernels import test_implementations
from tests.kernels.cases import Case, Values

pytestmark = pytest.mark.gpu
#: Relative, and absolute to the largest value. Half precision: what is left of 11 and 8 bits after a few
#: roundings in memory, with sums in float32.
TOLERANCES = {"float64": 1e-12, "float16": 4e-3, "bfloat16": 3e-2}
assert np.dtype("bfloat16") == ml_dtypes.bfloat16  # NumPy knows it by that package
CASES = [case for case, implementation in test_implementations.CASES if implementation == "cuda"]


def outputs(case: Case, dtype: str, device: GpuDevice) -> dict[str, np.ndarray]:
    spec, values = case.spec(dtype), Values(case.name)
    make = case.make or import_module(f"owlkit.kernels.{case.family}").make
    kernel = make(device, spec)
    case.run(kernel, spec, values)
    return {name: np.asarray(array, np.float64) for name, array in values.outputs.items()}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_agrees_with_the_reference(case: Case, dtype: str, make_device: Callable[..., GpuDevice]) -> None:
    device = make_device()
    device.implementations = ("cudnn", "cuda")
    expected = test_implementations._outputs(case, "reference", "float64")
    try:
        found = outputs(case, dtype, device)
    except Unsupported as refusal:
        if dtype in ("float16", "bfloat16"):
            pytest.skip(f"not in {dtype}: {refusal}")
        raise
    tolerance = TOLERANCES.get(dtype, case.tolerance)
    assert found.keys() == expected.keys()
    for name, exact in expected.items():
        with np.errstate(over="ignore"):  # Caffe's -FLT_MAX is minus infinity in float16
            values = exact.astype(dtype).astype(np.float64)
        scale = max(1.0, float(np.abs(values[np.isfinite(values)]).max(initial=0)))
        np.testing.assert_allclose(found[name], values, tolerance, tolerance * scale, err_msg=name)
