"""A tiny net with its own data, and solvers of it: milliseconds per run."""

from __future__ import annotations

from typing import Any

from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver

NET = """
name: "small"
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 8 dim: 6 } shape { dim: 8 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
  include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""


def net_param() -> Any:
    return text.parse(NET, caffe_pb2.NetParameter)


def make_solver(**fields: Any) -> Solver:
    """base_lr 0.01, momentum 0.9, max_iter 20, no snapshots at the end, seed 3; `fields` win."""
    defaults = {"base_lr": 0.01, "momentum": 0.9, "max_iter": 20, "snapshot_after_train": False, "seed": 3}
    return Solver(net_param(), **{**defaults, **fields})


def with_tests(**fields: Any) -> Solver:
    """As `make_solver`, tested every 5 iterations on 4 batches."""
    return make_solver(**{"test": net_param(), "test_iter": 4, "test_interval": 5, **fields})


def parameters(solver: Solver) -> list[bytes]:
    return [parameter.blob.data.tobytes() for parameter in solver.net.learnable]
