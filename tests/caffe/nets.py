"""Small definitions for the tests of the drop-in, written to files as pycaffe wants them."""

from __future__ import annotations

from pathlib import Path

import owlkit.caffe as caffe

# Images of two channels, so that a blob's memory is not in C order; in-place layers; a label that is filled
# once and can be overwritten.
TRAINABLE = """
name: "small"
force_backward: true
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 5 dim: 2 dim: 6 dim: 4 } shape { dim: 5 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 0 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 6 kernel_size: 3 pad: 1 weight_filler { type: "gaussian" std: 0.3 }
    bias_filler { type: "constant" value: 0.1 } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.3 } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

DEPLOY = """
name: "deploy"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool1" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""

TWO_INPUTS = """
name: "two"
force_backward: true
layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "a" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "ip" bottom: "b" top: "sum" }
"""

SOLVER = """
net: "{net}"
base_lr: 0.05
lr_policy: "fixed"
momentum: 0.9
max_iter: 6
display: 2
test_iter: 2
test_interval: 3
snapshot_prefix: "{prefix}"
random_seed: 3
"""


def write(folder: Path, text: str, name: str = "net.prototxt") -> str:
    """The path of a file with this text."""
    path = folder / name
    path.write_text(text)
    return str(path)


def write_solver(folder: Path, *lines: str, net: str = TRAINABLE) -> str:
    """The path of a solver file for `net`, with lines added or replaced; its snapshots go into `folder`."""
    text = SOLVER.replace("{net}", write(folder, net)).replace("{prefix}", str(folder / "snap"))
    fields = {line.split(":")[0]: line for line in (*text.splitlines(), *lines)}
    return write(folder, "\n".join(fields.values()), "solver.prototxt")


def constructed(folder: Path, *arguments: object, **named: object) -> caffe.Net:
    """A net of DEPLOY with the rest of the constructor's arguments."""
    return caffe.Net(write(folder, DEPLOY), *arguments, **named)  # type: ignore[arg-type]
