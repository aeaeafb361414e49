"""Kernels of images in half precision: sums are single, and only results are rounded."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from tests.kernels.cases import Case
from tests.kernels.test_implementations import _outputs
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
#: Largest relative rounding error of a result, twice: what is accumulated is rounded twice.
TOLERANCES = {"float16": 2 * 2.0**-11, "bfloat16": 2 * 2.0**-8}
CASES = {
    "pooling": ["max_pad", "max_indices", "ave_googlenet", "stochastic_test"],
    "lrn": ["strong", "blocks", "within_three"],
    "convolution": ["filters_channels_last_groups", "pad_stride", "rows", "transposed_plain"],
    "inner_product": ["images", "large"],
    "im2col": ["padded", "volumes"],
}


def _case(name: str) -> Case:
    family, _, _ = name.partition("-")
    cases = import_module(f"tests.kernels.families.{family}").CASES
    return next(case for case in cases if case.name == name)


@pytest.mark.parametrize("name", [f"{family}-{name}" for family, names in CASES.items() for name in names])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_halves(name: str, dtype: str) -> None:
    """Inputs are multiples of 1/64 of few bits, so that they are the same in every type."""
    case = _case(name)
    expected, found = _outputs(case, "reference", "float64"), _outputs(case, "cuda", dtype)
    for output, values in expected.items():
        tolerance = TOLERANCES[dtype]
        absolute = tolerance * max(1.0, float(np.abs(values).max()))
        np.testing.assert_allclose(found[output].astype("f8"), values, tolerance, absolute, err_msg=output)
