"""Weights that are no numbers while the loss is one, and weights that are all zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, NetSpec, P
from owlkit.core import events
from owlkit.solvers import DivergedError, Solver
from owlkit.training import Run
from tests.training.small import make_solver


def hiding(nan_at: int, records: int = 48, **fields: Any) -> Solver:
    """A training whose loss shows no NaN: MAX pooling passes over it, and the ReLU over what pooling finds.

    nan_at : the iteration, from 1, whose batch of 4 holds a NaN.
    """
    images = np.random.default_rng(0).normal(size=(records, 1, 6, 6)).astype("float32")
    images[4 * nan_at - 2, 0, 3, 3] = np.nan
    net = NetSpec("hiding")
    net.data, net.label = L.MemoryData(batch_size=4, channels=1, height=6, width=6, ntop=2)
    net.conv = L.Convolution(net.data, kernel_size=3, num_output=4, weight_filler={"type": "xavier"})
    net.pool = L.Pooling(net.conv, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    net.relu = L.ReLU(net.pool, in_place=True)
    net.ip = L.InnerProduct(net.relu, num_output=3, weight_filler={"type": "xavier"})
    net.loss = L.SoftmaxWithLoss(net.ip, net.label)
    solver = Solver(net, base_lr=0.01, seed=1, device="cpu", snapshot_after_train=False, **fields)
    labels = np.arange(records, dtype="float32") % 3
    solver.net.layer_dict["data"].reset(images, labels)
    return solver


@pytest.mark.parametrize(("nan_at", "seen_at"), [(1, 1), (2, 2), (3, 4), (5, 7)])
def test_a_nan_in_the_data_ends_a_training_soon_or_at_its_end(nan_at: int, seen_at: int) -> None:
    run = Run(hiding(nan_at, max_iter=7))
    with pytest.raises(DivergedError, match=r"weights of layer 'conv' are no numbers.*NaN.*look at the data"):
        run.run()
    assert (run.state, run.iter) == ("diverged", seen_at)
    assert run.history.divergence is not None
    assert np.isfinite(run.history.divergence.loss)


def test_a_training_that_is_stopped_says_it_as_well() -> None:
    run = Run(hiding(3))

    def stop(event: events.Event) -> None:
        if isinstance(event, events.IterationDone) and event.iter == 3:
            run.stop()

    run.solver.add_listener(stop)
    with pytest.raises(DivergedError):
        run.run()
    assert (run.state, run.iter) == ("diverged", 3)


def test_solve_says_it_in_place_of_a_snapshot(tmp_path: Path) -> None:
    solver = hiding(3, max_iter=3, snapshot_prefix=str(tmp_path / "a"))
    solver.param.snapshot_after_train = True
    with pytest.raises(DivergedError):
        solver.solve()
    each = hiding(3, max_iter=7, snapshot=3, snapshot_prefix=str(tmp_path / "b"))
    with pytest.raises(DivergedError, match="iteration 3 weights"):
        each.solve()
    assert list(tmp_path.iterdir()) == []


def test_a_new_layer_without_a_filler_is_remarked_when_fine_tuning(tmp_path: Path) -> None:
    weights = tmp_path / "a.caffemodel"
    make_solver().net.save(weights)
    for start, remarks in ((None, 1), (str(weights), 1)):
        solver = make_solver(weights=start)
        solver.net.params["ip1"][0].data[...] = 0
        solver.net.params["ip2"][0].data[...] = 0
        seen: list[Any] = []
        solver.add_listener(seen.append)
        solver.step(2)
        warned = [event.message for event in seen if isinstance(event, events.Warned)]
        assert len(warned) == remarks
        assert "give a weight_filler" in warned[0]


def test_the_first_loss_of_loaded_weights_is_no_sign(tmp_path: Path) -> None:
    weights = tmp_path / "a.caffemodel"
    odd = make_solver()
    odd.net.params["ip2"][1].data[...] = [50, 0, 50]
    odd.net.save(weights)
    seen: list[Any] = []
    solver = make_solver(weights=str(weights))
    solver.add_listener(seen.append)
    solver.step(2)
    assert not [event for event in seen if isinstance(event, events.Warned)]
