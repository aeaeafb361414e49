"""Snapshots of a training on a GPU (the stand-in): one that goes on has the bits of one never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from tests.support import emulated_gpu
from tests.training.small import parameters

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 6 dim: 3 dim: 5 dim: 5 } shape { dim: 6 }
    data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 } } }
layer { name: "scale" type: "Scale" bottom: "data" top: "scale" scale_param { bias_term: true } }
layer { name: "drop" type: "Dropout" bottom: "scale" top: "scale" dropout_param { dropout_ratio: 0.4 } }
layer { name: "prelu" type: "PReLU" bottom: "scale" top: "prelu" }
layer { name: "ip" type: "InnerProduct" bottom: "prelu" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def _solver(prefix: Path, **fields: Any) -> Solver:
    device = emulated_gpu.emulated_device(deterministic=True)
    definition = text.parse(NET, caffe_pb2.NetParameter)
    settings = {"base_lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "clip_gradients": 0.5, "max_iter": 9}
    return Solver(definition, device=device, seed=3, snapshot_prefix=str(prefix), **settings | fields)


@pytest.mark.parametrize(
    "fields", [{}, {"type": "Adam", "iter_size": 2, "lr_policy": "inv", "gamma": 0.1, "power": 0.75}]
)
def test_a_resumed_training_is_bit_identical(tmp_path: Path, fields: dict[str, Any]) -> None:
    whole = _solver(tmp_path / "a", **fields)
    whole.step(4)
    _, state = whole.snapshot()
    whole.step(4)
    resumed = _solver(tmp_path / "b", **fields)
    resumed.step(1)  # what was drawn and learned is given up
    resumed.restore(state)
    resumed.step(4)
    assert parameters(resumed) == parameters(whole)
    assert [h.tobytes() for h in resumed.history] == [h.tobytes() for h in whole.history]
    assert resumed.smoothed_loss == whole.smoothed_loss


def test_a_snapshot_leaves_the_training_as_it_is(tmp_path: Path) -> None:
    one, other = _solver(tmp_path / "a"), _solver(tmp_path / "b")
    one.step(6)
    for _ in range(3):
        other.step(2)
        other.snapshot()
    assert parameters(one) == parameters(other)
