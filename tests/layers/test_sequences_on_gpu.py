"""Recurrent layers on a GPU (the stand-in): as on the CPU, captured, and with a state that goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.proto import caffe_pb2, text
from tests.support import emulated_gpu

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

HEAD = """
force_backward: true
layer { name: "in" type: "Input" top: "x" top: "cont" top: "s" top: "c" top: "h"
  input_param { shape { dim: 4 dim: 2 dim: 3 } shape { dim: 4 dim: 2 } shape { dim: 2 dim: 5 }
    shape { dim: 1 dim: 2 dim: 6 } shape { dim: 1 dim: 2 dim: 6 } } }
"""
_PARAM = """recurrent_param { num_output: 6 weight_filler { type: "gaussian" std: 0.5 }
  bias_filler { type: "gaussian" std: 0.5 } %s }"""
#: Bodies of nets that make "out" of "x" (4, 2, 3), "s" (2, 5) and the states "c" and "h" (1, 2, 6).
NETS = {
    "lstm": f"""
        layer {{ name: "l" type: "LSTM" bottom: "x" bottom: "cont" bottom: "s" top: "out" {_PARAM % ""} }}
        layer {{ name: "rest" type: "Silence" bottom: "c" bottom: "h" }}""",
    "lstm_exposed": f"""
        layer {{ name: "l" type: "LSTM" bottom: "x" bottom: "cont" bottom: "h" bottom: "c" top: "out"
          top: "h_end" top: "c_end" {_PARAM % "expose_hidden: true"} }}
        layer {{ name: "rest" type: "Silence" bottom: "s" }}""",
    "rnn": f"""
        layer {{ name: "l" type: "RNN" bottom: "x" bottom: "cont" bottom: "s" top: "out" {_PARAM % ""} }}
        layer {{ name: "rest" type: "Silence" bottom: "c" bottom: "h" }}""",
    "unit": """
        layer { name: "gates" type: "InnerProduct" bottom: "h" top: "g" propagate_down: true
          inner_product_param { num_output: 24 axis: 2 weight_filler { type: "gaussian" std: 0.5 } } }
        layer { name: "slice" type: "Slice" bottom: "cont" top: "now" top: "later"
          slice_param { axis: 0 slice_point: 1 } }
        layer { name: "l" type: "LSTMUnit" bottom: "c" bottom: "g" bottom: "now" top: "c_new" top: "h_new" }
        layer { name: "sum" type: "Eltwise" bottom: "c_new" bottom: "h_new" top: "out"
          eltwise_param { operation: PROD } }
        layer { name: "rest" type: "Silence" bottom: "x" bottom: "s" bottom: "later" }""",
}


def _net(body: str, device: Any) -> owlkit.Net:
    loss = 'layer { name: "loss" type: "Reduction" bottom: "out" reduction_param { operation: SUMSQ } \
        loss_weight: 0.5 top: "loss" }'
    definition = text.parse(HEAD + body + loss, caffe_pb2.NetParameter)
    net = owlkit.Net(definition, phase="train", device=device, seed=3, dtype="float64")
    rng = np.random.default_rng(5)
    for name in ("x", "s", "c", "h"):
        net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
    net.blobs["cont"].data[...] = [[1, 1], [1, 0], [1, 1], [0, 1]]
    return net


def _passes(net: owlkit.Net, count: int) -> None:
    for _ in range(count):
        net.forward()
        net.backward()


@pytest.mark.parametrize("name", NETS)
def test_equals_the_cpu_and_is_captured(name: str) -> None:
    """Three passes: the state that is carried goes on from one to the next."""
    device = emulated_gpu.emulated_device(graph=True)  # refuses to go on where the host is touched
    ours, theirs = _net(NETS[name], device), _net(NETS[name], "cpu")
    _passes(ours, 3)
    _passes(theirs, 3)
    for blob in theirs.blobs:
        np.testing.assert_allclose(ours.blobs[blob].data, theirs.blobs[blob].data, 1e-10, 1e-12, err_msg=blob)
    for blob in ("x", "s", "c", "h"):
        np.testing.assert_allclose(ours.blobs[blob].diff, theirs.blobs[blob].diff, 1e-10, 1e-12, err_msg=blob)
    for layer, blobs in theirs.params.items():
        for mine, blob in zip(ours.params[layer], blobs, strict=True):
            assert np.abs(blob.diff).sum() > 0
            np.testing.assert_allclose(mine.diff, blob.diff, 1e-10, 1e-12, err_msg=layer)
