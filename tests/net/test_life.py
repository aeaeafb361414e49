"""What nets hold while they live, and that nothing of it outlives them: threads, files, memory, settings."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from owlkit.core.errors import DataError, OwlkitError
from owlkit.net import Net
from owlkit.proto import caffe_pb2
from owlkit.solvers import Solver
from tests.net.definitions import SMALL, parse
from tests.support.sets import random_images, write_set

RECORDS = """
layer { name: "data" type: "Data" top: "data" top: "label" transform_param { scale: 0.01 }
        data_param { source: "%s" batch_size: 3 backend: LMDB } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture
def definition(tmp_path: Path) -> caffe_pb2.NetParameter:
    write_set(tmp_path / "set", random_images(10), [i % 4 for i in range(10)])
    return parse(RECORDS % (tmp_path / "set"))


@pytest.fixture
def mirrored(definition: caffe_pb2.NetParameter) -> caffe_pb2.NetParameter:
    """Of which batches are made ahead, in a thread: without chance those of a small set are made once."""
    definition.layer[0].transform_param.mirror = True
    return definition


def held() -> tuple[int, int]:
    """(prefetching threads, open LMDB files) of this process."""
    gc.collect()
    threads = sum(thread.name.startswith("prefetch") for thread in threading.enumerate())
    links = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(link))
        except FileNotFoundError:
            continue  # the descriptor of this very listing
    return threads, sum(link.endswith("data.mdb") for link in links)


def test_a_dropped_net_releases_its_thread_and_its_set(mirrored: caffe_pb2.NetParameter) -> None:
    before = held()
    net = Net(mirrored, phase="train", seed=1)
    assert held()[0] == before[0]  # looking at a net starts nothing
    net.forward_backward()
    assert held() == (before[0] + 1, before[1] + 1)
    gone = weakref.ref(net)
    del net
    assert held() == before
    assert gone() is None


def test_a_dropped_solver_releases_its_nets(mirrored: caffe_pb2.NetParameter) -> None:
    before = held()
    solver = Solver(mirrored, test=mirrored, test_iter=1, test_interval=1, base_lr=0.1, seed=1)
    solver.step(2)
    assert held() == (before[0] + 2, before[1] + 1)  # the two nets share an open set
    del solver
    assert held() == before


@pytest.mark.parametrize(
    "damage",
    [
        ('num_output: 4', ''),
        ('type: "SoftmaxWithLoss"', 'type: "SoftmaxWithLos"'),
        ('bottom: "label"', 'bottom: "lable"'),
        ('weight_filler { type: "xavier" }', 'weight_filler { type: "xaver" }'),
    ],
    ids=["setup", "type", "bottom", "filler"],
)  # fmt: skip
def test_a_net_that_cannot_be_built_leaves_nothing(
    definition: caffe_pb2.NetParameter, damage: tuple[str, str]
) -> None:
    before = held()
    for _ in range(3):
        broken = parse(RECORDS.replace(*damage) % definition.layer[0].data_param.source)
        with pytest.raises(OwlkitError):
            Net(broken, phase="train")
    assert held() == before
    assert np.isfinite(Net(definition, phase="train").forward_backward())


def test_a_net_whose_weights_cannot_be_loaded_leaves_nothing(definition: caffe_pb2.NetParameter) -> None:
    before = held()
    with pytest.raises(DataError):
        Net(definition, phase="train", weights="nothing.caffemodel")
    assert held() == before


def test_two_nets_live_side_by_side(definition: caffe_pb2.NetParameter) -> None:
    """Running one leaves the other alone: its data, its position and its numbers."""
    alone = Net(definition, phase="train", seed=1)
    expected = [alone.forward_backward() for _ in range(4)]
    one, two = (Net(definition, phase="train", seed=seed) for seed in (1, 2))
    found = []
    for _ in range(4):
        found.append(one.forward_backward())
        kept = {name: blob.data.copy() for name, blob in one.blobs.items()}
        two.forward_backward()
        assert all(np.array_equal(one.blobs[name].data, array) for name, array in kept.items())
    assert found == expected


def test_nets_run_in_threads_of_their_own() -> None:
    """As a training in the background and a look at another net in a notebook do."""
    nets = [Net(parse(SMALL), phase="train", seed=seed) for seed in (1, 2, 3)]
    image = np.random.default_rng(0).standard_normal((4, 3, 8, 8)).astype(np.float32)
    expected = [net.forward(data=image, label=np.zeros(4))["loss"].item() for net in nets]
    found: dict[int, set[float]] = {}

    def run(index: int) -> None:
        found[index] = set()
        for _ in range(50):
            nets[index].forward_backward()
            found[index].add(nets[index].loss)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(3)] == [{loss} for loss in expected]


def test_a_seed_is_a_nets_own(definition: caffe_pb2.NetParameter) -> None:
    """Nothing is drawn from, or written to, generators that others use."""
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    net = Net(definition, phase="train", seed=1)
    net.forward_backward()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_an_input_reshaped_before_the_first_pass(definition: caffe_pb2.NetParameter) -> None:
    net, late = (Net(parse(SMALL), phase="train", seed=1) for _ in range(2))
    late.forward()
    image = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    for each in (net, late):
        each.blobs["data"].reshape(*image.shape)
        each.blobs["label"].reshape(2)
        each.forward(data=image, label=np.zeros(2))
    assert net.blobs["ip1"].shape == (2, 5)
    assert np.array_equal(net.blobs["ip1"].data, late.blobs["ip1"].data)
    assert repr(net.plan) == repr(late.plan)
