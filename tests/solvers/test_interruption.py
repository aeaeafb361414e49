"""A training that is interrupted anywhere and resumed ends with the same bits as one that was not.

The net draws random numbers wherever it can: skipped records, crops, mirroring and dropout; batch
normalisation carries statistics that no gradient reaches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from tests.support.sets import random_images, write_set

NET = """name: "random"
layer { name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "%s" batch_size: 4 backend: LMDB rand_skip: 9 prefetch: 3 }
  transform_param { crop_size: 7 mirror: true mean_value: 120 scale: 0.01 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 bias_term: false weight_filler { type: "msra" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "scale" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
LAST = 9


class Interrupted(BaseException):
    """Stands for Ctrl-C, a kernel that is restarted, a machine that goes down."""


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set", random_images(22, (3, 10, 11)), [i % 3 for i in range(22)])


def make_solver(records: Path, **fields: Any) -> Solver:
    net = text.parse(NET % records, caffe_pb2.NetParameter)
    defaults = {
        "base_lr": 0.05,
        "lr_policy": "inv",
        "gamma": 0.01,
        "power": 0.75,
        "weight_decay": 0.001,
        "average_loss": 3,
        "snapshot_prefix": str(records.parent / "a"),
        "test": text.parse(NET % records, caffe_pb2.NetParameter),
        "test_interval": 4,
        "test_iter": 2,
        "seed": 2,
    }
    return Solver(net, **{**defaults, **fields})


def everything(solver: Solver) -> dict[str, bytes]:
    """Every learned value, statistics included, the history, and what is drawn next."""
    blobs = {blob.name: blob.data.tobytes() for blobs in solver.net.params.values() for blob in blobs}
    history = {f"history {i}": h.tobytes() for i, h in enumerate(solver.history)}
    return blobs | history | {"state": repr(solver.extra_state()).encode()}


def assert_same(found: Solver, expected: Solver) -> None:
    mine, theirs = everything(found), everything(expected)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []


@pytest.mark.parametrize("iteration", [1, 4, 6])
@pytest.mark.parametrize(
    "fields",
    [{"type": "SGD", "momentum": 0.9}, {"type": "Adam", "momentum": 0.9, "iter_size": 2}],
    ids=["SGD", "Adam, iter_size 2"],
)
def test_resuming_where_a_pass_was_interrupted(
    records: Path, iteration: int, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot every iteration; the iteration after `iteration` stops between forward and backward."""
    whole = make_solver(records, **fields)
    whole.step(LAST)
    first = make_solver(records, snapshot=1, **fields)
    first.step(iteration)
    monkeypatch.setattr(first.net, "backward", interrupt)
    with pytest.raises(Interrupted):
        first.step(1)
    # Another seed: everything that matters has to come from the snapshot.
    resumed = make_solver(records, **{**fields, "seed": 77})
    resumed.restore(records.parent / f"a_iter_{iteration}.solverstate")
    resumed.step(LAST - iteration)
    assert_same(resumed, whole)
    assert resumed.test() == whole.test()


def interrupt(*args: Any) -> None:
    raise Interrupted


def test_two_seeds_differ(records: Path) -> None:
    """The comparison can fail."""
    one, two = make_solver(records), make_solver(records, seed=3)
    one.step(2)
    two.step(2)
    with pytest.raises(AssertionError):
        assert_same(two, one)


def test_every_way_to_cut_a_training_gives_the_same_bits(records: Path) -> None:
    """Step by step, in one go, and through a chain of snapshots."""
    whole = make_solver(records, momentum=0.9)
    whole.step(LAST)
    steps = make_solver(records, momentum=0.9)
    for _ in range(LAST):
        steps.step()
    assert_same(steps, whole)
    state = None
    for seed, part in ((2, 2), (3, 3), (4, LAST - 5)):
        chained = make_solver(records, momentum=0.9, seed=seed)
        if state is not None:
            chained.restore(state)
        chained.step(part)
        state = chained.snapshot()[1]
    assert_same(chained, whole)
