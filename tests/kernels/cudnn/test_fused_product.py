"""Fully connected on a GPU: a product and a kernel for bias and ReLU, or all in one of cuDNN's plans."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 (makes "bfloat16" a dtype of NumPy)
import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.kernels import inner_product
from owlkit.kernels.inner_product import FUSED, InnerProduct
from tests.kernels.cases import Values, layout
from tests.kernels.cudnn.test_plans import device_with
from tests.kernels.families.inner_product import _run
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
#: Relative, and absolute to the largest value.
TOLERANCES = {"float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plain": ((6, 20), {}),
    "relu": ((6, 20), dict(relu=True)),
    "images": ((6, 3, 4, 5), dict(relu=True)),
    "one_row": ((1, 33), {}),
}


def spec(x: tuple[int, ...] = (6, 20), dtype: str = "float32", **options: Any) -> InnerProduct:
    source = layout(*x, dtype=dtype)
    target = Descriptor((x[0], 7), dtype)
    return InnerProduct(source, target, x[0], source.count // x[0], 7, **options)


def tuning(cache: Path | None = None, *, product: float, cudnn: float = 1e-3, **options: Any) -> Any:
    """product : seconds of cuBLAS's; the pass for the bias takes 1 ms. cudnn : of its plans."""
    device = device_with(cache, **({"tune": True} | options))
    plans = {f"cudnn eng{number} fprop": cudnn for number in range(100)}
    device.gpu.driver.durations = plans | {"gemm": product, "add_to_rows": 1e-3}  # type: ignore[attr-defined]
    return device


def outputs(device: Device, asked: InnerProduct, rounded_to: str) -> dict[str, np.ndarray]:
    values = Values("product", rounded_to)
    _run(inner_product.make(device, asked), asked, values)
    return values.outputs


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_reference(case: str, dtype: str) -> None:
    x, options = CASES[case]
    expected = outputs(Device("cpu", ("reference",)), spec(x, "float64", **options), dtype)
    device = device_with()
    device.implementations = (FUSED, "cuda")  # for copies the latter
    assert inner_product.make(device, spec(x, dtype, **options)).implementation.startswith(FUSED)
    for name, found in outputs(device, spec(x, dtype, **options), dtype).items():
        scale = TOLERANCES[dtype] * max(1.0, float(np.abs(expected[name]).max()))
        wide = found.astype(np.float64)
        np.testing.assert_allclose(wide, expected[name], TOLERANCES[dtype], scale, err_msg=name)


@pytest.mark.parametrize(
    ("product", "taken", "slower"),
    [
        (1.5e-3, f"{FUSED} (eng", {"cuda": "slower, 2.5 ms"}),
        (1e-4, "cuda (gemm, 1.1 ms)", {FUSED: "slower, 2 ms"}),
    ],
)
def test_the_clock_decides(product: float, taken: str, slower: dict[str, str], tmp_path: Path) -> None:
    made = tuning(tmp_path, product=product, cudnn=2e-3)
    kernel = inner_product.make(made, spec(relu=True))
    assert kernel.implementation.startswith(taken)
    assert kernel.refused == slower
    again = tuning(tmp_path, product=0.0, cudnn=0.0)
    assert inner_product.make(again, spec(relu=True)).implementation == kernel.implementation
    assert again.gpu.driver.launched == [], "times are kept"


def test_what_was_timed_gives_its_memory_back_at_once() -> None:
    """Copies of images in C order too, which lie in the kernels: nobody waits for a garbage collector."""
    device = tuning(product=1e-3)
    gc.disable()
    try:
        inner_product.make(device, spec((6, 30, 40, 50)))
        assert device.gpu.driver.used <= 128
    finally:
        gc.enable()


def test_without_a_clock_it_is_a_product() -> None:
    kernel = inner_product.make(device_with(), spec())
    assert (kernel.implementation, kernel.refused) == ("cuda (gemm)", {})


@pytest.mark.parametrize("options", [dict(bias=False), dict(transpose=True), dict(dtype="float64")])
def test_where_there_is_nothing_to_fuse_nothing_is_timed(options: dict[str, Any]) -> None:
    device = tuning(product=1e-3)
    assert inner_product.make(device, spec(**options)).implementation == "cuda (gemm)"
    assert device.gpu.driver.launched == []


def test_a_net_is_captured_and_equals_the_cpus() -> None:
    n, filler = NetSpec("small"), dict(type="xavier")
    n.data = L.Input(shape=dict(dim=[3, 2, 4, 4]))
    n.fc1 = L.InnerProduct(
        n.data, num_output=8, weight_filler=filler, bias_filler=dict(type="constant", value=0.1)
    )
    n.relu1 = L.ReLU(n.fc1, in_place=True)
    n.fc2 = L.InnerProduct(n.fc1, num_output=4, weight_filler=filler)
    n.out = L.Sigmoid(n.fc2, loss_weight=1)
    ours, theirs = (Net(n, phase="train", device=d, seed=1) for d in (tuning(product=9e-3), "cpu"))
    for _ in range(4):
        for net in (ours, theirs):
            net.clear_param_diffs()
            net.blobs["data"].data[...] = np.random.default_rng(0).standard_normal((3, 2, 4, 4))
            net.forward_backward()
    assert str(ours.plan).count(FUSED) == 2
    assert "forward is captured; backward is captured" in str(ours.plan)
    for name, blobs in theirs.params.items():
        for mine, blob in zip(ours.params[name], blobs, strict=True):
            np.testing.assert_allclose(mine.diff, blob.diff, 1e-4, 1e-5, err_msg=name)
