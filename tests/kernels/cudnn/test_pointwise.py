"""1x1 on a GPU: cuDNN or a product of matrices, by the clock or by what cuDNN's workspace costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core.tensor import Descriptor
from owlkit.kernels import convolution
from tests.kernels.cases import layout
from tests.kernels.cudnn.test_plans import device_with
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")


def spec(channels: int = 4, outputs: int = 8, side: int = 5, **options: Any) -> convolution.Convolution:
    """The stand-in's first plan for full float32 takes 100 bytes of workspace."""
    x, y, ones = layout(1, channels, side, side), layout(1, outputs, side, side), (1, 1)
    given = dict(weights_channels_last=True) | options
    return convolution.Convolution(x, y, (outputs, channels, 1, 1), ones, (0, 0), ones, **given)


SMALL = dict(outputs=2, side=3)  # 72 bytes of y


def launched(device: Any) -> list[str]:
    found: list[str] = device.gpu.driver.launched
    return found


# -- without timing
def test_a_workspace_above_the_output_is_not_worth_it() -> None:
    device = device_with()
    kernel = convolution.make(device, spec(**SMALL))
    assert kernel.implementation == "cuda (gemm)"
    assert kernel.refused == {
        "cudnn": "eng25 eng25 eng25 would take 100 B of workspace, and 72 B are worth it"
    }
    assert device.scratch_bytes < 100


def test_a_small_one_is() -> None:
    kernel = convolution.make(device_with(), spec())
    assert kernel.implementation.startswith("cudnn (eng25 ")
    assert kernel.refused == {}


def test_a_device_without_our_kernels_takes_it() -> None:
    device = device_with()
    device.implementations = ("cudnn",)
    assert convolution.make(device, spec(**SMALL)).implementation.startswith("cudnn (")


@pytest.mark.parametrize(
    "change",
    [
        dict(stride=(2, 2), y=layout(1, 2, 2, 2)),
        dict(x=Descriptor((1, 4, 3)), y=Descriptor((1, 2, 3)), weights=(2, 4, 1), stride=(1,), pad=(0,),
             dilation=(1,), weights_channels_last=False),
    ],
)  # fmt: skip
def test_others_are_left_to_cudnn(change: dict[str, Any]) -> None:
    """With a stride, and along a line in C order, the product would need columns first."""
    device = device_with(tune=True)
    kernel = convolution.make(device, replace(spec(**SMALL), **change))
    assert kernel.implementation.startswith("cudnn (")
    assert "gemm" not in launched(device)


# -- with timing
@pytest.mark.parametrize(("seconds", "taken"), [(1e-4, "cuda (gemm, 0.7 ms)"), (5e-3, "cudnn (")])
def test_times_decide(seconds: float, taken: str) -> None:
    """Of all three calls, with the pass for bias and ReLU: cuDNN's fastest takes 1 ms for each."""
    device = device_with(tune=True)
    device.gpu.driver.durations = {"gemm": seconds, "add_to_rows": 4e-4}  # type: ignore[attr-defined]
    kernel = convolution.make(device, spec(**SMALL, relu=True))
    assert kernel.implementation.startswith(taken)
    assert kernel.refused == ({"cudnn": "slower, 3 ms"} if seconds < 1e-3 else {"cuda": "slower, 15.4 ms"})
    assert device.gpu.driver.used <= 128, "what was timed gives its memory back"  # type: ignore[attr-defined]


def by_call(device: Any) -> Any:
    """Of two ways cuDNN's takes long for the data's gradient, and ours forward, for bias and ReLU."""
    slow = {f"cudnn eng{number} dgrad": 9e-3 for number in range(100)}
    device.gpu.driver.durations = slow | {"gemm": 1.5e-3, "add_to_rows": 1e-3}
    return convolution.make(device, spec(relu=True))


def test_each_call_may_have_its_own(tmp_path: Path) -> None:
    device = device_with(tmp_path, tune=True)
    kernel = by_call(device)
    told = kernel.implementation.split("; ")
    assert [part.partition(" (")[0] for part in told] == ["forward: cudnn", "data: cuda", "weights: cudnn"]
    assert told[1] == "data: cuda (gemm, 1.5 ms)"
    assert kernel.refused == {
        "forward: cuda": "slower, 2.5 ms", "data: cudnn": "slower, 2 ms", "weights: cuda": "slower, 1.5 ms"
    }  # fmt: skip
    again = device_with(tmp_path, tune=True)
    assert by_call(again).implementation == kernel.implementation
    assert launched(again) == [], "the times are kept"


def test_the_plan_says_which_call_has_which(tmp_path: Path) -> None:
    n = NetSpec("small")
    n.data = L.Input(shape=dict(dim=[1, 4, 5, 5]))
    n.conv = L.Convolution(n.data, kernel_size=1, num_output=8, weight_filler=dict(type="xavier"))
    n.one = L.Convolution(n.conv, kernel_size=1, num_output=8, weight_filler=dict(type="xavier"))
    n.loss = L.Sigmoid(n.one, loss_weight=1)
    device = device_with(tmp_path, tune=True)
    by_call(device)
    net = Net(n, phase="train", device=device, seed=1)
    ours, theirs = net, Net(n, phase="train", device="cpu", seed=1)
    for each in (ours, theirs):
        each.blobs["data"].data[...] = np.random.default_rng(0).standard_normal((1, 4, 5, 5))
        each.forward_backward()
    assert "data: cuda (gemm, 1.5 ms)" in str(net.plan)
    for mine, blob in zip(ours.params["conv"], theirs.params["conv"], strict=True):
        np.testing.assert_allclose(mine.diff, blob.diff, 1e-4, 1e-5)


def test_only_what_will_be_called_is_timed() -> None:
    device = device_with(tune=True)
    device.gpu.driver.durations = {"gemm": 1e-4}  # type: ignore[attr-defined]
    kernel = convolution.make(device, spec(train=False, data_gradient=False))
    assert kernel.implementation == "cuda (gemm, 0.1 ms)"
    assert kernel.refused == {"cudnn": "slower, 1 ms"}
    assert {name for name in launched(device) if name.endswith(("dgrad", "wgrad"))} == set()


def test_too_little_memory_to_time(caplog: pytest.LogCaptureFixture) -> None:
    """The workspace decides then."""
    device = device_with(tune=True, total=4000)
    kernel = convolution.make(device, spec(channels=200, **SMALL))
    assert kernel.implementation == "cuda (gemm)"
    assert "cudnn and cuda are not timed against each other" in caplog.text


def test_nothing_of_a_rehearsal_is_uploaded() -> None:
    device = device_with(tune=True)
    seen: list[str] = []
    stop = device.gpu.watch(lambda what, mirror: seen.append(what))
    convolution.make(device, spec())
    stop()
    assert set(seen) == {"read", "write"}
