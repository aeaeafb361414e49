"""cuDNN itself makes a plan for every convolution of published nets on an H100; no GPU is needed for that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 (makes "bfloat16" a dtype of NumPy)
import pytest

from owlkit import L, NetSpec, zoo
from owlkit.core.gpu.device import GpuDevice
from owlkit.core.tensor import Descriptor
from owlkit.kernels import Unsupported, convolution
from owlkit.kernels.convolution.cudnn import CudnnKernel
from owlkit.kernels.convolution.space_to_depth import SpaceToDepthKernel
from owlkit.kernels.cudnn import kept, plans
from owlkit.kernels.cudnn.problem import Problem
from owlkit.kernels.inner_product import InnerProduct
from owlkit.kernels.inner_product.fused import problem
from owlkit.net.graph import Graph
from tests.support import emulated_gpu
from tests.support.planning_cudnn import PlanningCudnn, cache_in

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
MEMORY = 80 << 30


def upsampling() -> NetSpec:
    """The end of a fully convolutional net: enlarging by 32, a channel by itself."""
    n = NetSpec("upsampling")
    n.data = L.Input(shape=dict(dim=[1, 21, 16, 16]))
    n.up = L.Deconvolution(
        n.data,
        convolution_param=dict(num_output=21, group=21, kernel_size=64, stride=32, bias_term=False),
    )
    n.thin = L.Deconvolution(n.up, convolution_param=dict(num_output=6, kernel_size=4, stride=2, pad=1))
    return n


def lines() -> NetSpec:
    """One and three spatial axes, which lie in C order."""
    n = NetSpec("lines")
    n.sound, n.film = L.Input(shape=dict(dim=[8, 16, 400])), L.Input(shape=dict(dim=[2, 3, 16, 56, 56]))
    n.conv1 = L.Convolution(n.sound, kernel_size=5, stride=2, pad=2, group=2, num_output=32)
    n.conv2 = L.Convolution(n.film, kernel_size=3, pad=1, num_output=16)
    return n


NETS = {
    "lenet": lambda: zoo.lenet(batch_size=64),
    "caffenet": lambda: zoo.caffenet(batch_size=256),
    "googlenet": lambda: zoo.googlenet(batch_size=32),
    "resnet": lambda: zoo.resnet(batch_size=64),
    "upsampling": upsampling,
    "lines": lines,
}


def last(shape: tuple[int, ...], dtype: str) -> Descriptor:
    return Descriptor(shape, dtype, len(shape) == 4)


def specs(net: Any, dtype: str) -> Iterator[convolution.Convolution]:
    """Those of a net's layers, as a GPU's device has them."""
    for node in Graph(net, phase="test").nodes:
        if node.layer.type not in ("Convolution", "Deconvolution"):
            continue
        layer: Any = node.layer
        x, y = (last(blob.shape, dtype) for blob in (node.bottom[0], node.top[0]))
        turned = layer.type == "Deconvolution"
        x, y = (y, x) if turned else (x, y)
        weights, window = layer.blobs[0].shape, layer.window
        yield convolution.Convolution(
            x, y, weights, window.stride, window.pad, window.dilation, layer.group, not turned, not turned,
            weights_channels_last=len(weights) == 4,
        )  # fmt: skip


def planning_device(**options: bool) -> GpuDevice:
    device = emulated_gpu.emulated_device(MEMORY, **options)
    device.gpu.driver.dnn = PlanningCudnn()  # type: ignore[attr-defined]
    device.implementations = ("cudnn",)
    return device


def calls(kernel: Any) -> list[str]:
    """Who computes each call, or all."""
    return [part.rpartition(": ")[2] for part in kernel.implementation.split("; ")]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("net", NETS)
def test_every_convolution_has_plans(net: str, dtype: str) -> None:
    device, found = planning_device(deterministic=True), []
    for spec in specs(NETS[net](), dtype):
        kernel = convolution.make(device, spec)
        print(spec.x.shape, spec.weights, kernel.implementation)
        found += calls(kernel)
    assert found
    assert all(re.match(r"cudnn (space-to-depth )?\(eng", name) for name in found)
    assert device.scratch_bytes <= plans.MOST_WORKSPACE + (64 << 20)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("net", ["caffenet", "googlenet", "resnet"])
def test_first_layers_have_plans_in_blocks(net: str, dtype: str) -> None:
    """And with hardly more scratch memory than without blocks, mostly with half of it."""
    first = replace(next(specs(NETS[net](), dtype)), data_gradient=False)
    scratch = []
    for way in (CudnnKernel, SpaceToDepthKernel):
        device = planning_device(tf32=True)
        print(way(device, first).detail)
        scratch.append(device.scratch_bytes)
    assert scratch[1] < 1.2 * scratch[0]


@pytest.mark.parametrize("options", [{}, dict(tf32=True)])
def test_full_float32_is_a_product_where_windows_are_one_pixel(options: dict[str, bool]) -> None:
    """cuDNN's plans for it copy whole images into another order, other than those on tensor cores and those
    for the weights' gradient.
    """
    device = planning_device(**options)
    device.implementations = ("cudnn", "cuda")
    found = [spec for spec in specs(NETS["resnet"](), "float32") if spec.is_pointwise]
    assert len(found) > 10
    for spec in found:
        told = [name.partition(" (")[0] for name in calls(convolution.make(device, spec))]
        assert told == (["cudnn"] if options else ["cuda", "cuda", "cudnn"]), spec


def conv3(dtype: str = "float32", kind: str = "wgrad") -> Problem:
    """AlexNet's third layer."""
    x, y = last((256, 256, 13, 13), dtype), last((256, 384, 13, 13), dtype)
    ones = (1, 1)
    return Problem(kind, x, last((384, 256, 3, 3), dtype), y, ones, ones, ones)


def test_full_float32_and_a_fixed_order_are_other_plans() -> None:
    """TF32 gives tensor cores' engines; the first for full float32 adds in any order."""
    options = [dict(tf32=True), {}, dict(deterministic=True)]
    names = [plans.make_plan(planning_device(**given), conv3(kind="dgrad")).name for given in options]
    assert len(set(names)) == 3, names


def test_float64_is_left_to_our_kernels() -> None:
    with pytest.raises(Unsupported, match="not for float64"):
        plans.make_plan(planning_device(), conv3("float64"))


def test_what_cudnn_refuses_says_so() -> None:
    """A window that does not fit the image."""
    x, w = last((2, 4, 3, 3), "float32"), last((4, 4, 9, 9), "float32")
    with pytest.raises(Unsupported, match="cuDNN: "):
        plans.make_plan(planning_device(), Problem("fprop", x, w, x, (1, 1), (0, 0), (1, 1)))


@pytest.mark.parametrize("made", ["planned", "loaded"])
@pytest.mark.parametrize(
    ("kind", "options"), [("fprop", dict(bias=True, relu=True)), ("fprop", {}), ("dgrad", {}), ("wgrad", {})]
)
def test_a_plan_wants_the_places_that_it_is_given(
    kind: str, options: dict[str, bool], made: str, tmp_path: Path
) -> None:
    """cuDNN knows its tensors by our numbers, also in a plan from disk."""
    wanted = replace(conv3("float16", kind), **options)  # type: ignore[arg-type]
    for _ in range(1 + (made == "loaded")):
        device = planning_device()
        device.gpu.driver.dnn = cache_in(tmp_path)  # type: ignore[attr-defined]
        plan = plans.make_plan(device, wanted)
    assert plan._graph._variant_pack_uids() == sorted(wanted.arguments)


@pytest.mark.parametrize("kind", ["fprop", "dgrad", "wgrad"])
def test_a_plan_comes_back_from_disk(kind: str, tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        device = planning_device()
        device.gpu.driver.dnn = cache_in(tmp_path)  # type: ignore[attr-defined]
        made.append(plans.make_plan(device, conv3("float16", kind)))
    assert (made[0].name, made[0].workspace) == (made[1].name, made[1].workspace)
    assert made[1]._graph.get_workspace_size() == made[0].workspace
    [path] = tmp_path.glob("*.plan")
    assert path.stat().st_size < 64_000
    assert kept.FORMAT == 2


@pytest.mark.parametrize("dtype", ["float32", "tf32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    "sizes", [(64, 800, 500), (64, 500, 10), (256, 9216, 4096), (256, 4096, 1000), (1, 7, 3)]
)
def test_products_have_plans_with_bias_and_relu(sizes: tuple[int, int, int], dtype: str) -> None:
    """LeNet's and CaffeNet's, and one of odd sizes; copies of x and w, where they are made, are seen here."""
    rows, inputs, outputs = sizes
    kind = "float32" if dtype == "tf32" else dtype
    asked = InnerProduct(
        Descriptor((rows, inputs), kind), Descriptor((rows, outputs), kind), rows, inputs, outputs, relu=True
    )
    plan = plans.make_plan(planning_device(tf32=dtype == "tf32"), problem(asked))
    print(sizes, dtype, plan.name, plan.workspace)
    copied = 4 * (rows * inputs + inputs * outputs + rows * outputs)
    assert plan.workspace <= copied + (1 << 20)
