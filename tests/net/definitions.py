"""Small nets that the tests of this folder share."""

from __future__ import annotations

from typing import Any

import numpy as np

from owlkit.net import Net
from owlkit.proto import caffe_pb2, text

HEAD = """
layer { name: "data" type: "Input" top: "data" top: "label"
        input_param { shape { dim: 4 dim: 3 dim: 8 dim: 8 } shape { dim: 4 } } }
"""

SMALL = (
    """name: "small" """
    + HEAD
    + """
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip1" bottom: "label" top: "loss" }
"""
)


def _conv_norm(name: str, bottom: str, outputs: int, relu: bool) -> str:
    tail = f'layer {{ name: "{name}_relu" type: "ReLU" bottom: "{name}" top: "{name}" }}' if relu else ""
    return f"""
layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}"
        convolution_param {{ num_output: {outputs} kernel_size: 3 pad: 1 bias_term: false
                            weight_filler {{ type: "msra" }} }} }}
layer {{ name: "{name}_bn" type: "BatchNorm" bottom: "{name}" top: "{name}" }}
layer {{ name: "{name}_scale" type: "Scale" bottom: "{name}" top: "{name}"
        scale_param {{ bias_term: true filler {{ type: "uniform" min: 0.5 max: 1.5 }} }} }}
{tail}"""


RESIDUAL = (
    """name: "residual" """
    + HEAD
    + _conv_norm("a", "data", 4, relu=True)
    + _conv_norm("b", "a", 4, relu=True)
    + _conv_norm("c", "b", 4, relu=False)
    + """
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "c" top: "sum" }
layer { name: "sum_relu" type: "ReLU" bottom: "sum" top: "sum" }
"""
    + _conv_norm("d", "sum", 4, relu=True)
    + """
layer { name: "sum2" type: "Eltwise" bottom: "sum" bottom: "d" top: "sum2" }
layer { name: "ip" type: "InnerProduct" bottom: "sum2" top: "ip"
        inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
)


def parse(definition: str) -> Any:
    return text.parse(definition, caffe_pb2.NetParameter)


def make(definition: str, **options: Any) -> Net:
    """A train net with seeded weights and inputs."""
    net = Net(parse(definition), **({"phase": "train", "seed": 7} | options))
    rng = np.random.default_rng(1)
    net.blobs["data"].data[...] = rng.standard_normal(net.blobs["data"].shape)
    net.blobs["label"].data[...] = rng.integers(0, 5, net.blobs["label"].shape)
    return net
