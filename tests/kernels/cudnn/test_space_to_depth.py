"""First layers in blocks: against the reference, which are taken so, in nets that are captured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes  # noqa: F401 (makes "bfloat16" a dtype of NumPy)
import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported, convolution
from owlkit.kernels.convolution.choice import SPACE_TO_DEPTH
from owlkit.kernels.convolution.space_to_depth import Blocks, saves_products
from tests.kernels.cases import Values, layout
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
#: Relative, and absolute to the largest value.
TOLERANCES = {"float32": 1e-5, "float16": 3e-3, "bfloat16": 2e-2}


def first_layer(
    x: tuple[int, ...], outputs: int, kernel: tuple[int, int], stride: tuple[int, int],
    pad: tuple[int, int] = (0, 0), dtype: str = "float32", **options: Any,
) -> convolution.Convolution:  # fmt: skip
    sizes = zip(x[2:], kernel, stride, pad, strict=True)
    out = [(n + 2 * p - k) // s + 1 for n, k, s, p in sizes]
    given = dict(data_gradient=False, weights_channels_last=True) | options
    return convolution.Convolution(
        layout(*x, dtype=dtype), layout(x[0], outputs, *out, dtype=dtype), (outputs, x[1], *kernel),
        stride, pad, (1, 1), **given,
    )  # fmt: skip


ALEXNET = dict(x=(256, 3, 227, 227), outputs=96, kernel=(11, 11), stride=(4, 4))
GOOGLENET = dict(x=(128, 3, 224, 224), outputs=64, kernel=(7, 7), stride=(2, 2), pad=(3, 3))
CASES: dict[str, dict[str, Any]] = {
    "alexnet": dict(x=(2, 3, 27, 31), outputs=5, kernel=(11, 11), stride=(4, 4), relu=True),
    "googlenet": dict(x=(2, 3, 17, 16), outputs=4, kernel=(7, 7), stride=(2, 2), pad=(3, 3)),
    "gray": dict(x=(3, 1, 9, 10), outputs=8, kernel=(4, 3), stride=(3, 2), pad=(1, 0), bias=False, relu=True),
    "one_way": dict(x=(2, 2, 6, 11), outputs=3, kernel=(3, 5), stride=(1, 3), pad=(1, 2)),
    "plain_filters": dict(x=(2, 3, 11, 9), outputs=6, kernel=(5, 4), stride=(2, 3), pad=(2, 1)),
    "window_below_stride": dict(x=(2, 3, 10, 10), outputs=6, kernel=(2, 3), stride=(4, 5), pad=(1, 2)),
    "many_columns": dict(x=(1, 3, 4, 701), outputs=2, kernel=(3, 3), stride=(2, 2), pad=(1, 1)),
    "pads_beyond_stride": dict(x=(1, 5, 4, 4), outputs=2, kernel=(7, 7), stride=(2, 2), pad=(6, 5)),
}
CASES["plain_filters"]["weights_channels_last"] = False


def outputs(device: Device, spec: convolution.Convolution, rounded_to: str) -> dict[str, np.ndarray]:
    values = Values("first layer", rounded_to)
    weights = Descriptor(spec.weights, spec.x.dtype, spec.weights_channels_last)
    biases = Descriptor(spec.weights[:1], spec.x.dtype)
    x, w, dy = values.normal(spec.x), values.normal(weights), values.normal(spec.y)
    b, db = (values.normal(biases), values.output("db", biases)) if spec.bias else (None, None)
    kernel = convolution.make(device, spec)
    kernel.forward(x, w, b, values.output("y", spec.y))
    kernel.backward_params(x, dy, values.output("dw", weights), db, False)
    twice = values.output("dw twice", weights)
    twice.array[...] = values.tensors["dw"].peek()
    kernel.backward_params(x, dy, twice, db, True)
    kernel.backward_params(x, dy, None, None, False)
    if spec.data_gradient:
        kernel.backward_data(dy, w, values.output("dx", spec.x))
    return values.outputs


def in_blocks(**options: Any) -> Any:
    device = emulated_gpu.emulated_device(cudnn=True, **options)
    device.implementations = (SPACE_TO_DEPTH,)
    return device


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("case", CASES)
def test_agrees_with_the_reference(case: str, dtype: str) -> None:
    exact = first_layer(dtype="float64", **CASES[case])
    expected = outputs(Device("cpu", ("reference",)), exact, dtype)
    for name, found in outputs(in_blocks(), first_layer(dtype=dtype, **CASES[case]), dtype).items():
        scale = TOLERANCES[dtype] * max(1.0, float(np.abs(expected[name]).max()))
        np.testing.assert_allclose(
            found.astype(np.float64), expected[name], TOLERANCES[dtype], scale, err_msg=name
        )


def test_forward_alone() -> None:
    """Of a net for inference: no plan for gradients."""
    device = in_blocks()
    kernel = convolution.make(device, first_layer(train=False, **CASES["alexnet"]))
    assert kernel.implementation.startswith("cudnn space-to-depth (eng25, ")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", ["alexnet", "gray", "many_columns"])
def test_what_comes_in_float32_is_rounded_on_the_way(case: str, dtype: str) -> None:
    """To the same bits as by a cast before."""
    spec = first_layer(dtype=dtype, **CASES[case])
    rng, found = np.random.default_rng(0), []
    wide = rng.standard_normal(spec.x.shape).astype(np.float32)
    weights = Descriptor(spec.weights, dtype, spec.weights_channels_last)
    w, b, dy = Tensor(weights), Tensor(Descriptor(spec.weights[:1], dtype)), Tensor(spec.y)
    for each in (w, b, dy):
        each.array[...] = rng.standard_normal(each.shape)
    kernel = convolution.make(in_blocks(), spec)
    assert kernel.reads_float32
    for kind in ("float32", dtype):
        x, y, dw = Tensor(replace(spec.x, dtype=kind)), Tensor(spec.y), Tensor(weights)
        x.array[...] = wide
        kernel.forward(x, w, b if spec.bias else None, y)
        kernel.backward_params(x, dy, dw, None, False)
        found.append((y.peek().tobytes(), dw.peek().tobytes()))
    assert found[0] == found[1]


def test_full_precision_is_read_as_it_is() -> None:
    kernel = convolution.make(in_blocks(), first_layer(**CASES["alexnet"]))
    assert not kernel.reads_float32


# -- which are taken
@pytest.mark.parametrize(
    ("shape", "dtype", "tf32", "taken"),
    [
        (ALEXNET, "float16", False, True),
        (ALEXNET, "bfloat16", False, True),
        (ALEXNET, "float32", True, True),
        (ALEXNET, "float32", False, False),
        (GOOGLENET, "float16", False, True),
        (GOOGLENET, "float32", True, False),  # 192 products instead of 196
        # 3x3 with stride 2: 2 * 2 * 12 products in blocks, 3 * 3 * 4 without
        (GOOGLENET | dict(kernel=(3, 3), pad=(1, 1)), "float32", True, False),
        (GOOGLENET | dict(kernel=(3, 3), pad=(1, 1)), "float16", False, True),
    ],
)
def test_where_it_saves_products(shape: dict[str, Any], dtype: str, tf32: bool, taken: bool) -> None:
    assert saves_products(first_layer(dtype=dtype, **shape), tf32) == taken


def test_shapes_of_published_nets() -> None:
    assert Blocks.of(first_layer(**ALEXNET)) == Blocks(57, 57, (3, 3), 48)
    assert Blocks.of(first_layer(**GOOGLENET)) == Blocks(115, 115, (4, 4), 12)
    assert Blocks.of(first_layer(dtype="float16", **GOOGLENET)) == Blocks(115, 115, (4, 4), 16)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (dict(stride=(1, 1)), "it is for strides"),
        (dict(dilation=(2, 2)), "without groups and dilation"),
        (dict(group=3, weights=(96, 1, 11, 11)), "without groups and dilation"),
        (dict(data_gradient=True), "gradient of its input is wanted"),
        (dict(x=layout(256, 8, 227, 227)), "8 channels are whole units"),
        (dict(x=Descriptor((256, 3, 227, 227))), "over images"),
    ],
)
def test_what_it_is_not_for(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Unsupported, match=why):
        Blocks.of(replace(first_layer(**ALEXNET), **change))


def kernel_for(spec: convolution.Convolution, **options: Any) -> Any:
    return convolution.make(emulated_gpu.emulated_device(cudnn=True, **options), spec)


@pytest.mark.parametrize(
    ("options", "dtype", "taken"),
    [({}, "float16", True), (dict(tf32=True), "float32", True), ({}, "float32", False)],
)
def test_the_estimate_decides_without_timing(options: dict[str, bool], dtype: str, taken: bool) -> None:
    kernel = kernel_for(first_layer(dtype=dtype, **CASES["alexnet"]), **options)
    assert kernel.implementation.startswith(f"{SPACE_TO_DEPTH} (" if taken else "cudnn (")
    assert kernel.refused == {}


def test_what_has_no_blocks_does_not_speak_of_them() -> None:
    kernel = kernel_for(replace(first_layer(dtype="float64", **CASES["googlenet"]), dilation=(1, 2)))
    assert list(kernel.refused) == ["cudnn"]


@pytest.mark.parametrize(
    ("seconds", "taken", "slower"),
    [
        (-5e-4, "cudnn space-to-depth", {"cudnn": "slower, 2 ms"}),
        (5e-4, "cudnn", {SPACE_TO_DEPTH: "slower, 3 ms"}),
    ],
)
def test_times_decide_where_the_device_tunes(seconds: float, taken: str, slower: dict[str, str]) -> None:
    """seconds : what it costs to gather the blocks, less what cuDNN gains by them, for each of two calls."""
    device = emulated_gpu.emulated_device(cudnn=True, tune=True)
    device.gpu.driver.durations = {"gather_blocks": seconds}  # type: ignore[attr-defined]
    kernel = convolution.make(device, first_layer(**CASES["googlenet"]))
    assert kernel.implementation.startswith(f"{taken} (")
    assert kernel.implementation.endswith(", 1 ms)" if seconds < 0 else ", 2 ms)")
    assert kernel.refused == slower


# -- call by call
def test_each_call_has_its_own_where_the_gradient_of_the_input_is_wanted() -> None:
    """Which blocks do not give."""
    asked = first_layer(data_gradient=True, dtype="float16", **CASES["alexnet"])
    kernel = kernel_for(asked)
    told = [part.partition(" (")[0] for part in kernel.implementation.split("; ")]
    assert told == [f"forward: {SPACE_TO_DEPTH}", "data: cudnn", f"weights: {SPACE_TO_DEPTH}"]
    exact = first_layer(data_gradient=True, dtype="float64", **CASES["alexnet"])
    expected = outputs(Device("cpu", ("reference",)), exact, "float16")
    device = emulated_gpu.emulated_device(cudnn=True)
    tolerance = TOLERANCES["float16"]
    for name, found in outputs(device, asked, "float16").items():
        scale = tolerance * max(1.0, float(np.abs(expected[name]).max()))
        np.testing.assert_allclose(found.astype(np.float64), expected[name], tolerance, scale, err_msg=name)
    assert "dx" in expected


# -- in a net
def spec() -> NetSpec:
    filler = dict(type="gaussian", std=0.3)
    n = NetSpec("small")
    n.data = L.Input(shape=dict(dim=[2, 3, 27, 31]))
    n.conv1 = L.Convolution(
        n.data, kernel_size=11, stride=4, pad=2, num_output=4, weight_filler=filler, bias_filler=filler
    )
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.conv2 = L.Convolution(n.relu1, kernel_size=3, num_output=2, weight_filler=filler)
    n.out = L.Sigmoid(n.conv2, loss_weight=1)
    return n


def test_a_net_is_captured_and_equals_the_cpus() -> None:
    device = emulated_gpu.emulated_device(cudnn=True, tf32=True)
    ours, theirs = (Net(spec(), phase="train", device=where, seed=1) for where in (device, "cpu"))
    rng = np.random.default_rng(0)
    for _ in range(4):
        images = rng.standard_normal(ours.blobs["data"].shape)
        for net in (ours, theirs):
            net.clear_param_diffs()
            net.blobs["data"].data[...] = images
            net.forward_backward()
            net.forward_backward()  # gradients add up
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
        for name, blobs in theirs.params.items():
            for mine, blob in zip(ours.params[name], blobs, strict=True):
                scale = 1e-4 * float(np.abs(blob.diff).max())
                np.testing.assert_allclose(mine.diff, blob.diff, 1e-4, scale, err_msg=name)
    assert "forward is captured; backward is captured" in repr(ours.plan)
    assert str(ours.plan).count(SPACE_TO_DEPTH) == 1


# -- in a net of half precision
@pytest.mark.parametrize("memory", ["keep", "reuse"])
def test_images_are_not_cast_before_a_first_layer_in_blocks(memory: str) -> None:
    device = emulated_gpu.emulated_device(cudnn=True)
    half = Net(spec(), phase="train", device=device, seed=1, dtype="bfloat16", memory=memory)
    full = Net(spec(), phase="train", device="cpu", seed=1)
    casting = Net(spec(), phase="train", device=emulated_gpu.emulated_device(), seed=1, dtype="bfloat16")
    images = np.random.default_rng(0).standard_normal(half.blobs["data"].shape)
    for _ in range(3):  # watched, captured, replayed
        for net in (half, full, casting):
            net.clear_param_diffs()
            net.blobs["data"].data[...] = images
            net.forward_backward()
    first = half.layer_dict["conv1"]
    assert str(half.plan).count(SPACE_TO_DEPTH) == 1
    assert (first.cast_from, first.cast_bottoms) == ({0: "float32"}, {})
    assert list(casting.layer_dict["conv1"].cast_bottoms) == [0], "columns are made of what is cast"
    assert "forward is captured; backward is captured" in str(half.plan)
    names = {name.split()[0] for name in device.gpu.driver.launched}  # type: ignore[attr-defined]
    assert "gather_blocks" in names
    for name, blobs in full.params.items():
        for mine, other, blob in zip(half.params[name], casting.params[name], blobs, strict=True):
            scale = float(np.abs(blob.diff).max())
            np.testing.assert_allclose(mine.diff, blob.diff, 0, 5e-2 * scale, err_msg=name)
            np.testing.assert_allclose(mine.diff, other.diff, 0, 2e-2 * scale, err_msg=name)


@pytest.mark.parametrize(("seconds", "taken"), [(4e-4, "cudnn (eng"), (8e-4, SPACE_TO_DEPTH)])
def test_a_cast_that_the_other_way_needs_is_part_of_its_time(seconds: float, taken: str) -> None:
    """Blocks take 0.5 ms to make; without a cast cuDNN's plain plan would win in both cases."""
    device = emulated_gpu.emulated_device(cudnn=True, tune=True)
    device.gpu.driver.durations = {"gather_blocks": 5e-4, "cast": seconds}  # type: ignore[attr-defined]
    asked = first_layer(dtype="float16", train=False, **CASES["googlenet"])
    assert convolution.make(device, replace(asked, cast_from="float32")).implementation.startswith(taken)
    assert convolution.make(device, asked).implementation.startswith("cudnn (eng")
