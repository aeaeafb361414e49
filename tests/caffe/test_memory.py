"""Nets and solvers let go of what they hold; arrays outlive them; what fails leaves nothing."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from owlkit import datasets
from owlkit.core.errors import OwlkitError
from tests.caffe.nets import DEPLOY, TRAINABLE, write, write_solver

MEGABYTES = 8
# One layer with 8 MB of weights and little else.
LARGE = f"""
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 1024 }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param {{ num_output: {256 * MEGABYTES} bias_term: false }} }}
"""


@pytest.fixture(autouse=True)
def by_reference_counts_alone() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def grown(action: Callable[[], object], times: int) -> int:
    """Bytes that arrays have grown by while `action` ran `times` times.

    Counted, not what the process has from the system: that depends on what earlier tests gave back.
    """
    tracemalloc.start()
    try:
        action()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(times):
            action()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_a_dropped_net_is_gone_at_once(tmp_path: Path) -> None:
    net = caffe.Net(write(tmp_path, TRAINABLE), caffe.TRAIN)
    net.forward()
    net.backward()
    net.before_forward(print)
    dropped = [weakref.ref(net), weakref.ref(net._net), weakref.ref(net._net.blobs["conv"])]
    del net
    assert [reference() for reference in dropped] == [None] * 3


def test_a_dropped_solver_is_gone_at_once(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.add_callback(lambda: None, lambda: None)
    solver.step(2)
    dropped = [weakref.ref(solver), weakref.ref(solver._solver), weakref.ref(solver.net._net)]
    del solver
    assert [reference() for reference in dropped] == [None] * 3


def test_a_dropped_solver_ends_the_threads_that_read_its_data(tmp_path: Path) -> None:
    data = f'''layer {{ name: "data" type: "Data" top: "data" top: "label"
      data_param {{ source: "{Path(datasets.digits()).resolve()}" backend: LMDB batch_size: 5 }} }}'''
    text = data + TRAINABLE[TRAINABLE.index('layer { name: "conv"') :]
    threads = threading.active_count()
    solver = caffe.SGDSolver(write_solver(tmp_path, net=text.replace("num_output: 3", "num_output: 10")))
    solver.step(2)
    dropped = weakref.ref(solver._solver)
    del solver
    assert dropped() is None
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads


def test_nets_outlive_their_solver(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    nets = [solver.net, *solver.test_nets]
    del solver
    for net in nets:
        assert np.isfinite(net.forward()["loss"])


def test_arrays_outlive_their_net(tmp_path: Path) -> None:
    net = caffe.Net(write(tmp_path, TRAINABLE), caffe.TRAIN)
    net.forward()
    net.backward()
    kept = [array for blob in net.blobs.values() for array in (blob.data, blob.diff)]
    kept += [a for blobs in net.params.values() for blob in blobs for a in (blob.data, blob.diff)]
    copies = [array.copy() for array in kept]
    blob = net.blobs["conv"]
    del net
    scratch = [np.full(1000, 7.0) for _ in range(1000)]  # would land in memory that was freed too early
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(blob.data, copies[4])
    assert len(scratch) == 1000


def test_nets_made_and_dropped_take_no_memory(tmp_path: Path) -> None:
    model = write(tmp_path, LARGE)
    assert grown(lambda: caffe.Net(model, caffe.TEST).forward(), 12) < MEGABYTES * 1_000_000 / 2


def test_nets_that_are_kept_do_take_memory(tmp_path: Path) -> None:
    """The measurement above can fail."""
    model, kept = write(tmp_path, LARGE), []

    def keep() -> None:
        kept.append(caffe.Net(model, caffe.TEST))
        kept[-1].forward()
        kept[-1].params["ip"][0].data[...] = 1

    assert grown(keep, 12) > 11 * MEGABYTES * 1_000_000


def test_a_failed_constructor_leaves_nothing_behind(tmp_path: Path) -> None:
    model = write(tmp_path, LARGE)
    other = caffe.Net(write(tmp_path, DEPLOY.replace('"conv1"', '"ip"'), "other.prototxt"), caffe.TEST)
    other.save(str(tmp_path / "other.caffemodel"))
    threads = threading.active_count()

    def fail() -> None:
        with pytest.raises(OwlkitError, match="ip"):
            caffe.Net(model, str(tmp_path / "other.caffemodel"), caffe.TEST)

    assert grown(fail, 12) < MEGABYTES * 1_000_000 / 2
    assert threading.active_count() == threads


def test_two_nets_side_by_side_do_not_meet(tmp_path: Path) -> None:
    model = write(tmp_path, DEPLOY)
    one, two = caffe.Net(model, caffe.TEST), caffe.Net(model, caffe.TEST)
    x, y = np.random.default_rng(0).normal(size=(2, 2, 3, 8, 8)).astype(np.float32)
    first = one.forward(data=x)["prob"].copy()
    two.forward(data=y)
    two.params["fc"][0].data[...] = 0
    np.testing.assert_array_equal(one.blobs["prob"].data, first)
    np.testing.assert_array_equal(one.forward()["prob"], first)
    assert (two.forward()["prob"] == 0.2).all()


def test_two_nets_in_two_threads(tmp_path: Path) -> None:
    model = write(tmp_path, DEPLOY)
    nets = [caffe.Net(model, caffe.TEST) for _ in range(2)]
    images = np.random.default_rng(0).normal(size=(2, 2, 3, 8, 8)).astype(np.float32)
    alone = [net.forward(data=x)["prob"].copy() for net, x in zip(nets, images, strict=True)]
    results: list[list[np.ndarray]] = [[], []]

    def work(number: int) -> None:
        for _ in range(50):
            results[number].append(nets[number].forward(data=images[number])["prob"].copy())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, found in zip(alone, results, strict=True):
        assert len(found) == 50
        assert all((array == expected).all() for array in found)
