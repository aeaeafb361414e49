"""Kernels in half precision on the stand-in: values are rounded once, after sums in float32."""

from __future__ import annotations

from importlib import import_module

import ml_dtypes  # noqa: F401 (makes "bfloat16" a dtype of NumPy)
import numpy as np
import pytest

from owlkit.core.device import Device
from tests.kernels.cases import Case, Values
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

NAMES = [
    "activation-relu", "bias-channels", "concat-channels", "copy-flatten", "crop-planes",
    "elementwise-swish", "eltwise-weighted", "eltwise-max_ties", "lstm_unit-few", "mvn-channels",
    "prelu-images", "recurrent-lstm", "recurrent-tanh", "reduction-images_sumsq", "reduction-lines_asum",
    "rows-few", "scale-channels", "scale-images", "tile-axis_1",
]  # fmt: skip
#: Relative error of one rounding, and of what a few of them add up to.
TOLERANCES = {"float16": 3e-3, "bfloat16": 2e-2}


def _case(name: str) -> Case:
    family = import_module(f"tests.kernels.families.{name.split('-')[0]}")
    return next(case for case in family.CASES if case.name == name)


def _outputs(case: Case, device: Device, dtype: str) -> dict[str, np.ndarray]:
    spec, values = case.spec(dtype), Values(case.name)
    make = case.make or import_module(f"owlkit.kernels.{case.family}").make
    case.run(make(device, spec), spec, values)
    return values.outputs


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_the_reference_to_half_precision(name: str, dtype: str) -> None:
    case, device = _case(name), emulated_gpu.emulated_device()
    device.implementations = ("cuda",)
    expected = _outputs(case, Device("cpu", ("reference",)), "float64")
    tolerance = TOLERANCES[dtype]
    for key, found in _outputs(case, device, dtype).items():
        scale = max(1.0, float(np.abs(expected[key]).max(initial=0)))
        np.testing.assert_allclose(
            found.astype(np.float64), expected[key], tolerance, tolerance * scale, err_msg=key
        )
