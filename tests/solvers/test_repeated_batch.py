"""A loss that is no number, seen when the next iteration is queued: all is then as if nobody had read on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, Solver
from owlkit.solvers import DivergedError
from tests.support import emulated_gpu
from tests.support.sets import random_images, write_set

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
RECORDS, BATCH, LARGE = 40, 4, 22  # the record whose loss is no number


def definition(source: Path) -> NetSpec:
    """Everything that a forward pass may change: counts on the GPU, a generator on the host, averages. The
    loss of an image of which more than two thirds are bright is infinite.
    """
    n, filler = NetSpec("moving"), dict(type="xavier")
    n.data, n.label = L.Data(
        source=str(source), batch_size=BATCH, backend="LMDB", ntop=2, transform_param=dict(scale=1 / 255)
    )
    noise = dict(shape=[dict(dim=[BATCH, 3, 8, 8])], data_filler=[dict(type="gaussian", std=0.1)])
    n.noise = L.DummyData(dummy_data_param=noise)
    n.noisy = L.Eltwise(n.data, n.noise)
    n.conv = L.Convolution(n.noisy, kernel_size=3, num_output=4, weight_filler=filler)
    n.bn = L.BatchNorm(n.conv, in_place=True)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.pool = L.Pooling(n.conv, pool="STOCHASTIC", kernel_size=2, stride=2)
    n.drop = L.Dropout(n.pool, in_place=True)
    n.fc = L.InnerProduct(n.drop, num_output=3, weight_filler=filler)
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    n.mean = L.Reduction(n.data, axis=1, operation="MEAN")
    n.bright = L.Power(n.mean, shift=-2 / 3, scale=1)
    n.positive = L.ReLU(n.bright)
    n.beyond = L.Power(n.positive, scale=1e30, power=3, loss_weight=1)  # 0, or infinite in float32
    return n


def make(folder: Path, late: bool, **options: Any) -> Solver:
    images = random_images(RECORDS, (3, 8, 8))
    images[LARGE].fill(255)
    source = write_set(folder, images, [i % 3 for i in range(RECORDS)])
    device = emulated_gpu.emulated_device(graph=options.pop("graph", None))
    fields = dict(base_lr=0.05, momentum=0.9, weight_decay=1e-3, display=0, average_loss=3)
    solver = Solver(definition(source), device=device, seed=5, **fields | options)
    if not late:
        solver.add_listener(lambda event: None)
    return solver


def everything(solver: Solver) -> dict[str, bytes]:
    """All that a user can ask for."""
    net = solver.net
    found = {
        f"{p.name} {role}": getattr(p.blob, role).tobytes()
        for p in net.learnable
        for role in ("data", "diff")
    }
    found |= {f"{name} data": blob.data.tobytes() for name, blob in net.blobs.items()}
    found |= {f"history {i}": h.tobytes() for i, h in enumerate(solver.history)}
    told = {"loss": net.loss, "smoothed": solver.smoothed_loss, "iter": solver.iter, "state": net.state()}
    return found | {name: repr(value).encode() for name, value in told.items()}


@pytest.mark.parametrize("options", [{}, {"graph": False}, {"iter_size": 2}, {"dtype": "float16"}], ids=str)
def test_all_is_as_if_nobody_had_read_on(options: Any, tmp_path: Path) -> None:
    batch = LARGE // BATCH
    iteration = batch // options.get("iter_size", 1)
    found = []
    for late in (True, False):
        solver = make(tmp_path / f"set {late}", late, **options)
        solver.step(1)
        with pytest.raises(DivergedError) as caught:
            solver.step(9)
        assert solver.iter == iteration
        assert solver.net.state()["layers"]["data"]["batch"] == batch + 1
        found.append({"error": str(caught.value).encode()} | everything(solver))
        solver.step(2)
        found[-1] |= {f"{name}, gone on": value for name, value in everything(solver).items()}
    mine, theirs = found
    assert [name for name in theirs if mine[name] != theirs[name]] == []


def test_what_a_pass_changes_is_kept_while_it_is_good(tmp_path: Path) -> None:
    """Without a loss that is no number `restore` goes back by one iteration, whether captured or not."""
    for graph in (None, False):
        solver = make(tmp_path / f"set {graph}", True, graph=graph)
        solver.step(3)
        net, before = solver.net, solver.net.state()["layers"]
        averages = [blob.peek().copy() for blob in net.params["bn"]]
        solver.step(1)
        assert all((blob.peek() != old).any() for blob, old in zip(net.params["bn"], averages, strict=True))
        net.rewind.restore()
        assert {name: net.state()["layers"][name] for name in ("drop", "pool")} == {
            name: before[name] for name in ("drop", "pool")
        }
        for blob, old in zip(net.params["bn"], averages, strict=True):
            np.testing.assert_array_equal(blob.peek(), old)


@pytest.mark.filterwarnings("ignore:invalid value encountered in matmul")  # of the stand-in, in NumPy
def test_an_update_left_out_for_its_scale_is_an_iteration_like_others(tmp_path: Path) -> None:
    """Its forward pass was right: the batch counts, averages have taken it in, and nothing is repeated."""
    solver, twin = (make(tmp_path / name, True, dtype="float16") for name in ("one", "other"))
    for each, scale in ((solver, 2.0**24), (twin, 2.0**8)):
        assert each.net.loss_scale is not None
        each.net.loss_scale.set(2.0**8)
        each.step(2)
        each.net.loss_scale.set(scale)
        each.step(1)
        assert (each.iter, each.net.loss_scale.skipped) == (3, int(each is solver))
    mine, theirs = (each.net.state() for each in (solver, twin))
    assert (mine["layers"], mine["rng"]) == (theirs["layers"], theirs["rng"])
    for one, other in zip(solver.net.params["bn"], twin.net.params["bn"], strict=True):
        np.testing.assert_array_equal(one.data, other.data)


def test_carried_states_and_levels_of_pooling_go_back_too() -> None:
    n = NetSpec("carrying")
    n.image = L.Input(shape=[dict(dim=[2, 2, 6, 6])])
    n.levels = L.SPP(n.image, spp_param=dict(pyramid_height=2, pool="STOCHASTIC"))
    n.x = L.Input(shape=[dict(dim=[3, 2, 4])])
    n.cont = L.Input(shape=[dict(dim=[3, 2])])
    n.lstm = L.LSTM(n.x, n.cont, recurrent_param=dict(num_output=5, weight_filler=dict(type="xavier")))
    net = Net(n, phase="train", device=emulated_gpu.emulated_device(), seed=1)
    for number in (2, 5):  # of other sequences the layer keeps its states elsewhere
        net.blobs["x"].reshape(3, number, 4)
        net.blobs["cont"].reshape(3, number)
        for name in ("image", "x", "cont"):
            net.blobs[name].data[...] = 1
        net.forward()
        before = net.state()
        net.rewind.keep()
        net.forward()
        after = net.state()
        assert all(after["layers"][name] != before["layers"][name] for name in ("levels", "lstm"))
        net.rewind.restore()
        assert net.state() == before
