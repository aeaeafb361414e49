"""Convolutions in half precision on the stand-in for cuDNN: rounded once, after sums in float32."""

from __future__ import annotations

import ml_dtypes  # noqa: F401 (makes "bfloat16" a dtype of NumPy)
import numpy as np
import pytest

from tests.kernels.families import convolution
from tests.kernels.test_implementations import _outputs
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
NAMES = ["pad_stride", "filters_channels_last_groups", "transposed_filters_channels_last", "volumes"]
CASES = [case for case in convolution.CASES if case.name.removeprefix("convolution-") in NAMES]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 3e-3), ("bfloat16", 2e-2)])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_agrees_to_half_precision(case: convolution.Case, dtype: str, tolerance: float) -> None:
    expected = _outputs(case, "reference", "float64")
    for key, found in _outputs(case, "cudnn", dtype).items():
        scale = tolerance * max(1.0, float(np.abs(expected[key]).max()))
        np.testing.assert_allclose(found.astype(np.float64), expected[key], tolerance, scale, err_msg=key)


def test_names_are_those_of_cases() -> None:
    assert len(CASES) == len(NAMES)
