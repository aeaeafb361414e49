"""A batch whose loss is no number leaves no trace: a training can go on after it, without a snapshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from owlkit import L, NetSpec
from owlkit.solvers import DivergedError, Solver
from owlkit.training import Run
from tests.support import emulated_gpu

BATCH, BAD = 4, 2  # the iteration, counted from 0, whose batch holds a NaN


def normalised(**fields: object) -> Solver:
    """BatchNorm over random images; the third batch holds a NaN, which becomes the loss."""
    images = np.random.default_rng(0).normal(size=(24, 2, 5, 5)).astype("float32")
    images[BATCH * BAD, 0, 1, 1] = np.nan
    filler = {"type": "xavier"}
    n = NetSpec("normalised")
    n.data, n.label = L.MemoryData(batch_size=BATCH, channels=2, height=5, width=5, ntop=2)
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=3, weight_filler=filler)
    n.bn = L.BatchNorm(n.conv)
    n.ip = L.InnerProduct(n.bn, num_output=3, weight_filler=filler)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    defaults = {"base_lr": 0.01, "seed": 1, "device": "cpu", "snapshot_after_train": False}
    solver = Solver(n, **{**defaults, **fields})
    solver.net.layer_dict["data"].reset(images, np.arange(24, dtype="float32") % 3)
    return solver


def averages(solver: Solver) -> list[np.ndarray]:
    return [blob.data.copy() for blob in solver.net.params["bn"]]


def test_running_averages_forget_a_batch_whose_loss_is_no_number(tmp_path: Path) -> None:
    """In Caffe they are NaN from then on, and every test after it with them."""
    solver = normalised()
    solver.step(BAD)
    before = averages(solver)
    with pytest.raises(DivergedError, match=r"is nan, first in layer 'data', blob 'data'"):
        solver.step()
    for mine, old in zip(averages(solver), before, strict=True):
        np.testing.assert_array_equal(mine, old)
    solver.step(2)
    assert solver.iter == BAD + 2
    assert np.isfinite(averages(solver)[0]).all()
    assert averages(solver)[2] > before[2]
    solver.snapshot(str(tmp_path / "a"))  # refused where a parameter is not finite


def test_all_parts_of_an_iteration_are_taken_back() -> None:
    solver = normalised(iter_size=2)
    solver.step(1)
    before = averages(solver)
    with pytest.raises(DivergedError):
        solver.step()
    for mine, old in zip(averages(solver), before, strict=True):
        np.testing.assert_array_equal(mine, old)


@pytest.mark.parametrize("iter_size", [1, 2])
@pytest.mark.parametrize("place", ["cpu", "gpu"])
def test_averages_that_layers_share_are_put_back(place: str, iter_size: int) -> None:
    """As both halves of a siamese net have them; on a GPU an iteration is replayed as one graph by then."""
    if place == "gpu" and not emulated_gpu.available():
        pytest.skip("g++ is not installed")
    images = np.random.default_rng(0).normal(size=(48, 2, 5, 5)).astype("float32")
    bad = 4  # iterations
    images[BATCH * iter_size * bad + BATCH * (iter_size - 1), 0, 1, 1] = np.nan  # in its last part
    shared = [{"name": name, "lr_mult": 0} for name in ("mean", "variance", "scale")]
    n = NetSpec("shared")
    n.data, n.label = L.MemoryData(batch_size=BATCH, channels=2, height=5, width=5, ntop=2)
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=3, weight_filler="xavier")
    n.bn = L.BatchNorm(n.conv, param=shared)
    n.drop = L.Dropout(L.BatchNorm(n.bn, param=shared))
    n.ip = L.InnerProduct(n.drop, num_output=3, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    device = emulated_gpu.emulated_device() if place == "gpu" else "cpu"
    solver = Solver(n, base_lr=0.01, iter_size=iter_size, seed=1, device=device, snapshot_after_train=False)
    solver.net.layer_dict["data"].reset(images, np.arange(48, dtype="float32") % 3)
    solver.step(bad)
    before = averages(solver)
    with pytest.raises(DivergedError):
        solver.step(3)
    assert solver.iter == bad
    for mine, old in zip(averages(solver), before, strict=True):
        np.testing.assert_array_equal(mine, old)
    assert before[2] > 2 * iter_size  # both have added to them


def test_a_diverged_run_goes_on_with_another_rate() -> None:
    run = Run(normalised(max_iter=5))
    with pytest.raises(DivergedError):
        run.run()
    run.lr = 0.001
    run.start().wait(timeout=60)
    assert (run.state, run.iter) == ("finished", 5)
    assert np.isfinite(averages(run.solver)[1]).all()


def test_the_averages_that_took_it_in_are_not_named_as_the_cause() -> None:
    solver = normalised()
    solver.step(1)
    weights, bias = (blob.data for blob in solver.net.params["conv"])
    weights[...], bias[...] = 0, 3e38  # finite, and the sum over a batch is not
    with pytest.raises(DivergedError) as caught:
        solver.step()
    assert (caught.value.event.layer, caught.value.event.blob) == ("bn", "bn")
    assert "output" in caught.value.event.found
    assert np.isfinite(averages(solver)[0]).all()


def test_states_that_are_carried_on_forget_it_as_well() -> None:
    n = NetSpec("carried")
    n.x, n.cont, n.label = (L.Input(input_param={"shape": {"dim": dim}}) for dim in ([3, 2, 4], [3, 2], [6]))
    n.h = L.RNN(n.x, n.cont, recurrent_param={"num_output": 4, "weight_filler": {"type": "xavier"}})
    n.flat = L.Reshape(n.h, reshape_param={"shape": {"dim": [6, 4]}})
    n.loss = L.SoftmaxWithLoss(n.flat, n.label)
    solver = Solver(n, base_lr=0.01, seed=1, device="cpu", snapshot_after_train=False)
    blobs = solver.net.blobs
    blobs["x"].data[...] = np.random.default_rng(0).normal(size=(3, 2, 4))
    blobs["cont"].data[...] = 1  # every sequence goes on from the batch before
    solver.step(1)
    good = blobs["x"].data.copy()
    blobs["x"].data[2] = np.nan
    with pytest.raises(DivergedError):
        solver.step()
    blobs["x"].data[...] = good
    solver.step(1)
    assert np.isfinite(solver.smoothed_loss)
