"""cuDNN on real hardware: whichever plan or way is taken gives the same, timing runs, a choice is found.

`pytest -m gpu tests/gpu/test_cudnn.py -k rivals -s` prints the times of both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.device import Device
from owlkit.core.errors import DeviceError
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import convolution
from owlkit.kernels.convolution.choice import SPACE_TO_DEPTH
from tests.kernels.cudnn import test_space_to_depth as first_layers
from tests.kernels.cudnn.test_space_to_depth import first_layer
from tests.net import test_nan as nan
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
        device.gpu.choices.clear()  # plans of other tests
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
    kept = {path: path.stat().st_ino for path in tmp_path.glob("*.plan")}
    assert len(kept) == 3
    again = results(make_cudnn(deterministic=True))
    for found, exact in zip(again, made, strict=True):
        np.testing.assert_array_equal(found, exact)
    assert {path: path.stat().st_ino for path in tmp_path.glob("*.plan")} == kept


@pytest.mark.also_emulated
@pytest.mark.parametrize("kind", nan.KINDS)
def test_a_relu_keeps_nan(make_device: Callable[..., GpuDevice], kind: str) -> None:
    """Also one that cuDNN computes behind a convolution or a product; it is asked to (its frontend does)."""
    device = make_device() if gpu.is_real() else make_device(cudnn=True)
    nan.check_a_relu(kind, 64, 0.0, device)


# -- first layers in blocks, products in place of 1x1
def in_all_dtypes() -> list[Any]:
    """(case, dtype); one of them runs on the stand-in too."""
    return [
        pytest.param(
            case,
            dtype,
            marks=[pytest.mark.also_emulated] if (case, dtype) == ("googlenet", "float16") else [],
        )
        for case in first_layers.CASES
        for dtype in first_layers.TOLERANCES
    ]


@pytest.mark.parametrize(("case", "dtype"), in_all_dtypes())
def test_first_layers_in_blocks(make_cudnn: Callable[..., GpuDevice], case: str, dtype: str) -> None:
    device, options = make_cudnn(), first_layers.CASES[case]
    device.implementations = (SPACE_TO_DEPTH,)
    reference = Device("cpu", ("reference",))
    expected = first_layers.outputs(reference, first_layer(dtype="float64", **options), dtype)
    tolerance = max(1e-4, 2 * first_layers.TOLERANCES[dtype])
    for name, found in first_layers.outputs(device, first_layer(dtype=dtype, **options), dtype).items():
        scale = tolerance * max(1.0, float(np.abs(expected[name]).max()))
        np.testing.assert_allclose(found.astype(np.float64), expected[name], tolerance, scale, err_msg=name)


def pointwise(images: int, dtype: str = "float32") -> convolution.Convolution:
    """ResNet's first of 256 channels, over images of 56x56."""
    x, y = (Descriptor((images, channels, 56, 56), dtype, True) for channels in (256, 64))
    ones = (1, 1)
    return convolution.Convolution(x, y, (64, 256, 1, 1), ones, (0, 0), ones, weights_channels_last=True)


def contested(images: int) -> dict[str, tuple[convolution.Convolution, bool]]:
    """Layers of published nets that have two ways, and whether TF32 is allowed."""
    found = {}
    shapes = {"alexnet": first_layers.ALEXNET, "googlenet": first_layers.GOOGLENET}
    for dtype, tf32 in (("float32", False), ("float32", True), ("float16", False), ("bfloat16", False)):
        precision = "tf32" if tf32 else dtype
        for net, shape in shapes.items():
            few = shape | {"x": (images, *shape["x"][1:])}
            found[f"{net} {precision}"] = first_layer(dtype=dtype, **few), tf32
        found[f"pointwise {precision}"] = pointwise(images, dtype), tf32
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[pytest.mark.also_emulated] if n == "pointwise tf32" else [])
        for n in contested(1)
    ],
)
def test_rivals_are_timed_once(make_cudnn: Callable[..., GpuDevice], name: str, tmp_path: Path) -> None:
    spec, tf32 = contested(128 if gpu.is_fast() else 1)[name]
    told = []
    for _ in range(2):
        device = make_cudnn(tune=True, tf32=tf32)
        device.implementations = ("cudnn", "cuda")
        kernel = convolution.make(device, spec)
        told.append((kernel.implementation, kernel.refused))
    print(name, *told[0], sep="\n    ")
    assert told[0] == told[1]
    assert re.search(r", [\d.e+-]+ ms\)$", told[0][0])
    assert {why.partition(",")[0] for why in told[0][1].values()} == {"slower"}
    assert len(list(tmp_path.glob("*.times"))) == 2 + spec.data_gradient, "each call is a choice of its own"
