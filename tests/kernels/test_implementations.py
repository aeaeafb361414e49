"""Every implementation of every kernel family against its reference, so that the two cannot drift apart."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import owlkit.kernels
from owlkit.core.device import Device
from owlkit.kernels import Unsupported, onednn_available
from tests.kernels.cases import Case, Values
from tests.support import emulated_gpu

KERNELS = Path(owlkit.kernels.__file__).parent
FAMILIES = sorted(path.parent.name for path in KERNELS.glob("*/reference.py"))
IMPLEMENTATIONS = ("onednn", "threads", "cuda", "cudnn", "reference")
ON_GPU = ("cuda", "cudnn")


def _cases(family: str) -> list[Case]:
    path = Path(__file__).parent / "families" / f"{family}.py"
    return import_module(f"tests.kernels.families.{family}").CASES if path.exists() else []


def _runs(implementation: str, family: str) -> bool:
    return (KERNELS / family / f"{implementation}.py").exists()


CASES = [
    (case, implementation)
    for family in FAMILIES
    for case in _cases(family)
    for implementation in IMPLEMENTATIONS
    if _runs(implementation, family) and not (case.host_only and implementation in ON_GPU)
]


def _device(implementation: str) -> Device:
    """A device with this implementation alone; the kernels for GPUs run on a stand-in."""
    if implementation not in ON_GPU:
        return Device("cpu", (implementation,))
    if not emulated_gpu.available():
        pytest.skip("g++ is not installed: kernels for GPUs cannot be run without one")
    device = emulated_gpu.emulated_device(cudnn=True)
    device.implementations = (implementation,)
    return device


def _outputs(case: Case, implementation: str, dtype: str) -> dict[str, np.ndarray]:
    """What the kernel wrote; raises Unsupported where this implementation does not serve the case."""
    spec, values = case.spec(dtype), Values(case.name)
    device = _device(implementation)
    make = case.make or import_module(f"owlkit.kernels.{case.family}").make
    kernel = make(device, spec)
    assert kernel.implementation.split()[0] == implementation
    case.run(kernel, spec, values)
    assert values.outputs, "the case compares nothing"
    return values.outputs


@lru_cache(maxsize=1)
def _expected(case: Case) -> dict[str, np.ndarray]:
    """What the reference writes in float64; the tests of a case come one after the other."""
    return _outputs(case, "reference", "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("case", "implementation"), CASES, ids=lambda part: getattr(part, "name", part))
def test_agrees_with_the_reference(case: Case, implementation: str, dtype: str) -> None:
    expected = _expected(case)
    if implementation == "onednn" and not onednn_available():
        pytest.skip("oneDNN is not installed")
    if implementation == "onednn" and not (case.fast and dtype == "float32"):
        with pytest.raises(Unsupported):  # where it serves by now, mark the case as fast
            _outputs(case, implementation, dtype)
        return
    if implementation == "cudnn" and dtype == "float64":
        with pytest.raises(Unsupported, match="not for float64"):
            _outputs(case, implementation, dtype)
        return
    found = _outputs(case, implementation, dtype)
    tolerance = case.tolerance if dtype == "float32" else 1e-12
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.isfinite(values).all(), f"{name}: the reference left values unwritten"
        sizes = np.abs(values.astype(np.float64))
        usual = sizes[sizes < 1e30]  # beside Caffe's -FLT_MAX anything would pass
        scale = max(1.0, float(usual.max(initial=0)))
        np.testing.assert_allclose(found[name], values, tolerance, tolerance * scale, err_msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_family_has_cases(family: str) -> None:
    """A family without cases, or one whose cases are all slow, is an oversight."""
    cases = _cases(family)
    assert cases, f"add tests/kernels/families/{family}.py with CASES"
    if _runs("onednn", family):
        assert any(case.fast for case in cases), f"no case of {family} reaches its oneDNN implementation"
