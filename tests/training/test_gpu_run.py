"""Runs on a GPU, on the stand-in: losses are read when the next iteration is queued; nothing else differs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec
from owlkit.core import events
from owlkit.datasets import from_arrays
from owlkit.solvers import DivergedError, Solver
from owlkit.training import Run
from owlkit.training.requests import Request
from tests.support import emulated_gpu
from tests.support.emulated_gpu.driver import EmulatedReplay
from tests.training.small import make_solver, net_param, parameters

pytestmark = pytest.mark.skipif(not emulated_gpu.available(), reason="g++ is not installed")
PATIENCE = 60.0
LONG = 10_000_000
MOST_CALLS = 168  # of Python functions; by Python 3.11 there were 160


def solver(*, looked_at: bool = False, graph: bool | None = None, **fields: Any) -> Solver:
    """looked_at : whether a listener wants the net to stand still after each iteration."""
    made = make_solver(
        device=emulated_gpu.emulated_device(graph=graph), **{"display": 0, "random_seed": 3, **fields}
    )
    if looked_at:
        made.add_listener(lambda event: None)
    return made


def late(run: Run) -> list[int]:
    """Fills with the iterations that were told of when the next had begun."""
    found: list[int] = []

    def note(event: Any) -> None:
        if isinstance(event, events.IterationDone) and event.late:
            found.append(event.iter)

    run.solver.add_listener(note, at_rest=lambda: False)
    return found


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"iter_size": 2},
        {"type": "Adam", "base_lr": 0.001},
        {"lr_policy": "step", "stepsize": 3, "gamma": 0.5},
    ],
    ids=str,
)
def test_it_trains_as_one_that_is_looked_at(fields: Any) -> None:
    mine, theirs = (Run(solver(looked_at=looked_at, **fields)) for looked_at in (False, True))
    told = late(mine), late(theirs)
    for run in (mine, theirs):
        run.run()
    assert told == (list(range(2, 20)), [])  # neither the first, which is looked at, nor the last
    assert parameters(mine.solver) == parameters(theirs.solver)
    for name in ("iter", "loss", "smoothed_loss", "lr"):
        values, others = (getattr(run.history, name).tolist() for run in (mine, theirs))
        assert values == others, name
    assert len(mine.history) == 20


def test_tests_find_the_weights_at_rest() -> None:
    found = []
    for looked_at in (False, True):
        run = Run(solver(looked_at=looked_at, test=net_param(), test_iter=2, test_interval=5))
        run.run()
        found.append([(test.iter, test.outputs) for test in run.history.tests])
    assert [at for at, _ in found[0]] == [0, 5, 10, 15, 20]
    assert found[0] == found[1]


def test_who_pauses_finds_all_losses_read() -> None:
    run = Run(solver(max_iter=LONG)).start()
    told = late(run)
    assert run.wait_until("running", timeout=PATIENCE)
    for _ in range(3):
        run.step(4)
        assert run.history.iter.tolist() == list(range(1, run.iter + 1))
        assert run.solver._unread is None
    run.resume()
    run.lr = 0.5
    run.pause()
    changed = run.history.interventions[-2]
    assert changed.kind == "lr"
    rates = run.history.lr
    assert len(rates) == run.iter
    assert rates[: changed.iter] == pytest.approx(0.01)
    assert rates[changed.iter :] == pytest.approx(0.5)
    run.stop()
    assert run.wait(PATIENCE)
    assert told
    assert len(run.history) == run.iter


def test_what_is_saved_meanwhile_is_of_one_iteration_and_all_is_queued_as_before() -> None:
    def content(solver: Solver) -> bytes:
        return b"".join(b.SerializeToString() for layer in solver.net.to_proto().layer for b in layer.blobs)

    alone, known = solver(max_iter=40), []
    for _ in range(40):
        known.append(content(alone))
        alone.step(1)
    run = Run(solver(max_iter=40))
    told, found = late(run), []
    run.start()
    while run.state == "running":
        found.append(content(run.solver))
    assert run.wait(PATIENCE)
    assert told == list(range(2, 40))
    places = [[*known, content(alone)].index(each) for each in found]
    assert places == sorted(places)
    assert parameters(run.solver) == parameters(alone)


def test_a_step_that_is_asked_for_in_a_test_ends_with_its_loss_read() -> None:
    run = Run(solver(test=net_param(), test_iter=3, test_interval=5, max_iter=LONG))
    asked: list[Request] = []
    stood: list[Any] = []
    serve, stand = run._serve_in_test, run._stand

    def ask_and_serve() -> bool:
        if run.iter == 5 and not asked:
            asked.append(run._requests.put(Request("step", 1)))
        return serve()

    def note_and_stand() -> None:
        stood.append(run.solver._unread)
        stand()

    run.__dict__.update(_serve_in_test=ask_and_serve, _stand=note_and_stand)
    run.start()
    assert run.wait_until("paused", timeout=PATIENCE)
    asked[0].outcome()
    assert run.iter == len(run.history) == 6
    assert stood[0] is None
    run.stop()
    assert run.wait(PATIENCE)


def test_a_run_whose_max_iter_is_lowered_ends_with_all_losses_read(tmp_path: Any) -> None:
    run = Run(solver(max_iter=LONG, snapshot_after_train=True, snapshot_prefix=str(tmp_path / "s")))
    told = late(run)
    run.start()
    while not told:
        time.sleep(0.001)
    run.max_iter = 1
    assert run.wait(PATIENCE)
    assert run.state == "finished"
    assert len(run.history) == run.iter > 1
    assert run.solver._unread is None


def test_a_net_with_the_same_weights_may_run_at_any_time() -> None:
    run, alone = Run(solver(max_iter=LONG)).start(), solver()
    other = Net(net_param(), phase="train", share=run.net, seed=1, device=run.net.device)
    for _ in range(5):
        assert np.isfinite(other.forward_backward())
    assert abs(other.params["ip1"][0].diff).max() > 0
    run.stop()
    assert run.wait(PATIENCE)
    alone.step(run.iter)
    assert parameters(run.solver) == parameters(alone)


def test_a_snapshot_that_is_asked_for_goes_on_as_the_run_did(tmp_path: Any) -> None:
    run = Run(solver(max_iter=LONG, snapshot_prefix=str(tmp_path / "s"), average_loss=5)).start()
    run.step(7)
    files = run.snapshot()
    assert files is not None
    run.step(6)
    run.stop()
    assert run.wait(PATIENCE)
    again = solver(average_loss=5)
    again.restore(files[1])
    again.step(run.iter - again.iter)
    assert parameters(again) == parameters(run.solver)
    assert again.smoothed_loss == run.solver.smoothed_loss


def test_one_that_diverges_ends_where_one_does_that_is_looked_at() -> None:
    found = []
    for looked_at in (False, True):
        run = Run(solver(looked_at=looked_at, max_iter=LONG))
        run.step(6)
        run.net.params["ip2"][1].data[...] = np.nan
        before = parameters(run.solver)
        run.resume()
        with pytest.raises(DivergedError) as caught:
            run.wait(PATIENCE)
        assert parameters(run.solver) == before
        assert (run.state, len(run.history)) == ("diverged", run.iter)
        found.append((str(caught.value), run.history.loss.tolist()[:6]))
    assert found[0] == found[1]


def test_the_seconds_of_iterations_add_up_to_the_time() -> None:
    run = Run(solver(max_iter=60))
    told: list[float] = []
    run.solver.add_listener(
        lambda event: told.append(event.seconds) if isinstance(event, events.IterationDone) else None,
        at_rest=lambda: False,
    )
    run.run()
    assert min(told) >= 0
    assert sum(told) <= run.seconds


def test_an_iteration_on_a_small_set_takes_few_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Python's, in the thread that trains, which makes such batches too; see `benchmarks/host_time.py`."""
    images, labels = np.zeros((24, 1, 4, 4), np.uint8), np.arange(24) % 3
    source = from_arrays(tmp_path / "set", images, labels)
    n = NetSpec("records")
    n.data, n.label = L.Data(source=str(source), batch_size=8, ntop=2, transform_param=dict(scale=1 / 256))
    n.fc = L.InnerProduct(n.data, num_output=3, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.fc, n.label)
    fields = {"base_lr": 0.1, "max_iter": 10, "snapshot_after_train": False, "display": 0}
    made = Solver(n, device=emulated_gpu.emulated_device(), seed=1, **fields)
    (data,) = made.net.data_layers
    made.step(10)
    assert data.reader.light, "the set is in memory, and was read once"
    monkeypatch.setattr(EmulatedReplay, "launch", lambda replay: None)
    called: list[str] = []

    def calls(iterations: int) -> int:
        called.clear()
        made.param.max_iter = made.iter + iterations
        run = Run(made)
        sys.setprofile(lambda frame, event, _: called.append(event) if event == "call" else None)
        try:
            run.run()
        finally:
            sys.setprofile(None)
        return len(called)

    alone = calls(1)
    found = (calls(11) - alone) / 10
    assert found < MOST_CALLS, f"{found:g} for each iteration"


@pytest.mark.parametrize("graph", [None, False])
def test_looking_while_it_trains_changes_nothing(graph: bool | None) -> None:
    """Fetched to be written to, values would have made the GPU's copy stale, and lost an update."""
    run, alone = Run(solver(max_iter=60, graph=graph)), solver(max_iter=60, graph=graph)
    run.start()
    looks = 0
    while run.state == "running":
        for parameter in run.net.learnable:
            assert parameter.blob.data.shape == parameter.blob.diff.shape
        found = [run.solver.history[0].copy(), *(blob.data.copy() for blob in run.net.blobs.values())]
        looks += len(found)
    assert looks
    assert run.wait(PATIENCE)
    alone.step(60)
    assert parameters(run.solver) == parameters(alone)


def test_arrays_for_other_libraries_are_copies_while_it_trains() -> None:
    run, alone = Run(solver(max_iter=LONG)).start(), solver()
    weights, late_ones = run.net.params["ip1"][0], late(run)
    while not late_ones:
        time.sleep(0.001)
    for array in (weights.device_data, weights.device_diff):
        array[...] = 0
    with pytest.raises(ValueError, match=r"'ip1\[0\]' is in training on a GPU.*run.pause\(\)"):
        weights.copy_from(np.zeros(weights.shape, np.float32))
    run.stop()
    assert run.wait(PATIENCE)
    alone.step(run.iter)
    assert parameters(run.solver) == parameters(alone)
    weights.device_data[...] = 0
    assert not weights.data.any()


def test_an_interrupt_between_two_iterations_leaves_no_loss_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(solver(max_iter=LONG))
    advance = run.solver.advance

    def interrupted_after(n: int, *, more: bool) -> None:
        advance(n, more=more)
        if run.iter == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(run.solver, "advance", interrupted_after)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert (run.state, run.solver._unread) == ("stopped", None)
    assert len(run.history) == run.iter == 6


def test_weights_are_edited_in_a_pause() -> None:
    run = Run(solver(max_iter=LONG)).start()
    assert run.wait_until("running", timeout=PATIENCE)
    weights = run.net.params["ip1"][0]
    run.step(3)
    weights.data[...] = 0
    run.step(1)
    assert abs(weights.data).max() < 0.1
    run.resume()
    with pytest.raises(ValueError, match="read-only"):
        weights.data[...] = 0
    run.stop()
    assert run.wait(PATIENCE)
    weights.data[...] = 0
