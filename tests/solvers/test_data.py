"""Solvers of nets that read records: one pass as the length of a test, warnings, positions in a snapshot."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from owlkit.core import events
from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from tests.support.sets import random_images, write_set
from tests.training.small import parameters

PATIENCE = 10.0
NET = """
name: "records"
layer { name: "data" type: "Data" top: "data" top: "label"
  data_param { source: "%s" batch_size: 4 backend: LMDB } transform_param { scale: 0.004 mirror: true } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set", random_images(10), [i % 3 for i in range(10)])


def make_solver(records: Path, **fields: Any) -> Solver:
    net = text.parse(NET % records, caffe_pb2.NetParameter)
    defaults = {"base_lr": 0.1, "momentum": 0.9, "seed": 2, "snapshot_prefix": str(records.parent / "a")}
    return Solver(net, **{**defaults, **fields})


def test_a_test_without_test_iter_is_one_pass(records: Path) -> None:
    net = text.parse(NET % records, caffe_pb2.NetParameter)
    assert make_solver(records, test=net, test_interval=5).test_iterations == [3]


@pytest.mark.parametrize("iteration", [1, 4, 7])
def test_position_mirroring_and_dropout_are_resumed(records: Path, iteration: int) -> None:
    whole, first, second = make_solver(records), make_solver(records), make_solver(records, seed=9)
    whole.step(11)
    first.step(iteration)
    second.restore(first.snapshot()[1])
    second.step(11 - iteration)
    assert parameters(second) == parameters(whole)


def test_what_the_data_layer_remarks_is_an_event(tmp_path: Path) -> None:
    records = write_set(tmp_path / "set", random_images(10), [1] * 10)
    solver = make_solver(records)
    seen: list[Any] = []
    solver.add_listener(seen.append)
    solver.step(4)
    (remark,) = [e for e in seen if isinstance(e, events.Warned)]  # once, though the records come again
    assert "all have label 1" in remark.message
    assert remark.iter == 2  # the tenth record is in the third batch


def test_who_hears_a_remark_may_wait_for_a_thread_that_saves(tmp_path: Path) -> None:
    """It comes up in a pass, and is told when that is over; before what else is told of the iteration."""
    solver = make_solver(write_set(tmp_path / "set", random_images(10), [1] * 10))
    heard: list[str] = []
    with ThreadPoolExecutor(1) as pool:

        def save(event: Any) -> None:
            pool.submit(solver.net.save, tmp_path / "saved.caffemodel").result(PATIENCE)
            heard.append(type(event).__name__)

        solver.add_listener(save)
        solver.step(3)
        assert heard == ["IterationDone", "IterationDone", "Warned", "IterationDone"]
        with suppress(ZeroDivisionError), solver.net.at_rest():
            solver.net.layers[0].on_warning("of a pass that fails")
            assert heard[-1] == "IterationDone"
            _ = 1 / 0
    assert heard[-1] == "Warned"


def test_a_remark_does_not_keep_its_solver(records: Path) -> None:
    solver = make_solver(records)
    net, reference = solver.net, weakref.ref(solver)
    del solver
    gc.collect()
    assert reference() is None
    net.layers[0].on_warning("to nobody")


def test_waiting_for_data_is_part_of_the_time(records: Path) -> None:
    solver = make_solver(records)
    seen: list[Any] = []
    solver.add_listener(seen.append)
    solver.step(3)
    done = [e for e in seen if isinstance(e, events.IterationDone)]
    assert all(0 <= e.data_seconds <= e.seconds for e in done)
    assert {e.images for e in done} == {4}
