"""Layers that work value by value, or move values, on a GPU (the stand-in): as on the CPU, off the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.errors import DataError
from owlkit.proto import caffe_pb2, text
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

#: Bodies of nets that make "out" of "x" (2, 4, 3, 5), with "i" (3,) row numbers and "s" (2, 4).
NETS = {
    "sums": """
        layer { name: "relu" type: "ReLU" bottom: "x" top: "a" relu_param { negative_slope: 0.5 } }
        layer { name: "tanh" type: "TanH" bottom: "x" top: "b" }
        layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" bottom: "x" top: "c"
          eltwise_param { coeff: 1 coeff: -2 coeff: 0.5 } }
        layer { name: "prod" type: "Eltwise" bottom: "a" bottom: "c" top: "d"
          eltwise_param { operation: PROD } }
        layer { name: "max" type: "Eltwise" bottom: "d" bottom: "b" bottom: "x" top: "out"
          eltwise_param { operation: MAX } }""",
    "factors": """
        layer { name: "scale" type: "Scale" bottom: "x" top: "a" scale_param { bias_term: true
          filler { type: "gaussian" std: 1 } } }
        layer { name: "bias" type: "Bias" bottom: "a" top: "b" bias_param { axis: 2 num_axes: 2
          filler { type: "gaussian" std: 1 } } }
        layer { name: "prelu" type: "PReLU" bottom: "b" top: "c" }
        layer { name: "excite" type: "Scale" bottom: "c" bottom: "s" top: "d" scale_param { axis: 0 } }
        layer { name: "shared" type: "PReLU" bottom: "d" top: "out" prelu_param { channel_shared: true } }""",
    "in place": """
        layer { name: "a" type: "Power" bottom: "x" top: "a" power_param { power: 2 scale: 0.5 shift: 3 } }
        layer { name: "log" type: "Log" bottom: "a" top: "a" }
        layer { name: "elu" type: "ELU" bottom: "a" top: "a" }
        layer { name: "prelu" type: "PReLU" bottom: "a" top: "a" }
        layer { name: "scale" type: "Scale" bottom: "a" top: "a" }
        layer { name: "bias" type: "Bias" bottom: "a" top: "a" bias_param { filler { value: 0.5 } } }
        layer { name: "exp" type: "Exp" bottom: "a" top: "out" exp_param { scale: 0.3 } }""",
    "functions": """
        layer { name: "abs" type: "AbsVal" bottom: "x" top: "a" }
        layer { name: "bnll" type: "BNLL" bottom: "a" top: "b" }
        layer { name: "swish" type: "Swish" bottom: "b" top: "c" }
        layer { name: "clip" type: "Clip" bottom: "c" top: "d" clip_param { min: 0.5 max: 1.5 } }
        layer { name: "sigmoid" type: "Sigmoid" bottom: "d" top: "out" }""",
    "places": """
        layer { name: "slice" type: "Slice" bottom: "x" top: "a" top: "b"
          slice_param { axis: 1 slice_point: 1 } }
        layer { name: "tile" type: "Tile" bottom: "a" top: "c" tile_param { axis: 1 tiles: 3 } }
        layer { name: "concat" type: "Concat" bottom: "c" bottom: "b" bottom: "x" top: "d" }
        layer { name: "crop" type: "Crop" bottom: "d" bottom: "x" top: "e"
          crop_param { axis: 1 offset: 2 offset: 0 offset: 0 } }
        layer { name: "reindex" type: "BatchReindex" bottom: "e" bottom: "i" top: "f" }
        layer { name: "reshape" type: "Reshape" bottom: "f" top: "g"
          reshape_param { shape { dim: 0 dim: 5 dim: -1 } } }
        layer { name: "flatten" type: "Flatten" bottom: "g" top: "out" }""",
    "tables": """
        layer { name: "embed" type: "Embed" bottom: "i" top: "a" embed_param { input_dim: 3 num_output: 7
          weight_filler { type: "gaussian" std: 1 } bias_filler { value: 0.5 } } }
        layer { name: "parameter" type: "Parameter" top: "b" parameter_param { shape { dim: 3 dim: 7 } } }
        layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "out" }
        layer { name: "silence" type: "Silence" bottom: "x" }""",
}
HEAD = """
force_backward: true
layer { name: "in" type: "Input" top: "x" top: "i" top: "s"
  input_param { shape { dim: 2 dim: 4 dim: 3 dim: 5 } shape { dim: 3 } shape { dim: 2 dim: 4 } } }
"""


def _net(body: str, device: Any) -> owlkit.Net:
    definition = text.parse(HEAD + body, caffe_pb2.NetParameter)
    net = owlkit.Net(definition, phase="train", device=device, seed=3, dtype="float64")
    rng = np.random.default_rng(5)
    net.blobs["x"].data[...] = rng.standard_normal((2, 4, 3, 5))
    net.blobs["i"].data[...] = [1, 0, 1]
    net.blobs["s"].data[...] = rng.standard_normal((2, 4))
    net.forward()
    net.blobs["out"].diff[...] = rng.standard_normal(net.blobs["out"].shape)
    return net


def _passes(net: owlkit.Net, count: int) -> None:
    """Gradients of parameters add up from the second on."""
    for _ in range(count):
        net.forward()
        net.backward()


@pytest.mark.parametrize("name", NETS)
def test_equals_the_cpu_and_stays_on_the_gpu(name: str) -> None:
    device = emulated_gpu.emulated_device(graph=False)
    ours, theirs = _net(NETS[name], device), _net(NETS[name], "cpu")
    _passes(ours, 2)
    seen: list[str] = []
    given = ours.blobs["out"].memory("data").mirror  # `forward` returns it

    def observe(what: str, mirror: Any) -> None:
        if mirror is not given:
            seen.append(what)

    stop = device.gpu.watch(observe)
    _passes(ours, 1)
    stop()
    _passes(theirs, 3)
    assert seen
    assert not {"look", "peek", "upload"} & set(seen)
    for blob in theirs.blobs:
        np.testing.assert_allclose(ours.blobs[blob].data, theirs.blobs[blob].data, 1e-10, 1e-12, err_msg=blob)
    for blob in ("x", "s"):
        np.testing.assert_allclose(ours.blobs[blob].diff, theirs.blobs[blob].diff, 1e-10, 1e-12, err_msg=blob)
    for layer, blobs in theirs.params.items():
        for mine, blob in zip(ours.params[layer], blobs, strict=True):
            np.testing.assert_allclose(mine.diff, blob.diff, 1e-10, 1e-12, err_msg=layer)


def test_a_number_that_is_no_row_is_told_as_on_the_cpu() -> None:
    body = """
        layer { name: "embed" type: "Embed" bottom: "i" top: "a" embed_param { input_dim: 3 num_output: 7 } }
        layer { name: "sum" type: "Reduction" bottom: "a" top: "loss" loss_weight: 1 }
        layer { name: "silence" type: "Silence" bottom: "x" bottom: "s" }"""
    definition = text.parse(HEAD.replace("force_backward: true", "") + body, caffe_pb2.NetParameter)
    messages = []
    for device in (emulated_gpu.emulated_device(), "cpu"):
        net = owlkit.Net(definition, phase="train", device=device)
        net.blobs["i"].data[...] = [0, 2, 3]
        with pytest.raises(DataError, match=r"value 3 at index \(2,\)") as caught:
            net.forward()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
