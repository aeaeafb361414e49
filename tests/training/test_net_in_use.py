"""A net that a Run trains: passes of other threads are refused until it pauses, and change nothing."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import Net
from owlkit.core.errors import NetError, TrainingError
from owlkit.net import planned
from owlkit.net.plan import Plan
from owlkit.training import Run
from tests.training.small import make_solver, net_param, parameters, with_tests

LONG = 10_000_000
PATIENCE = 60.0

PASSES: dict[str, Callable[[Any], Any]] = {
    "forward": lambda net: net.forward(),
    "forward to a layer": lambda net: net.forward(end="ip1"),
    "backward": lambda net: net.backward(),
    "forward_backward": lambda net: net.forward_backward(),
    "clear_param_diffs": lambda net: net.clear_param_diffs(),
    "copy_from": lambda net: net.copy_from("nothing"),
    "reshape": lambda net: net.reshape(),
    "restore_state": lambda net: net.restore_state({}),
}


@pytest.mark.parametrize("action", PASSES)
def test_others_are_refused_and_nothing_is_changed(action: str) -> None:
    run, alone = Run(with_tests(max_iter=LONG)).start(), with_tests()
    for net in (run.net, run.solver.test_nets[0]):
        for moment in (nullcontext(), net.at_rest()):
            with moment, pytest.raises(NetError, match=r"in training in another thread.*run.pause\(\)"):
                PASSES[action](net)
    run.stop()
    assert run.wait(PATIENCE)
    alone.step(run.iter)
    assert parameters(run.solver) == parameters(alone)


def test_a_snapshot_is_written_by_the_run_while_it_trains(tmp_path: Path) -> None:
    run = Run(make_solver(max_iter=LONG, snapshot_prefix=str(tmp_path / "s"))).start()
    with pytest.raises(TrainingError, match=r"training in another thread.*use run.snapshot\(\)"):
        run.solver.snapshot()
    assert not list(tmp_path.iterdir())
    run.pause()
    assert run.solver.snapshot()[1].is_file()
    run.stop()
    assert run.wait(PATIENCE)


def test_a_run_whose_thread_does_not_start_gives_the_nets_back(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(make_solver())

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            run.start()
    assert run.state == "failed"
    assert np.isfinite(run.net.forward()["loss"])
    run.run()
    assert run.state == "finished"


def test_in_a_pause_and_afterwards_they_may() -> None:
    run = Run(make_solver(max_iter=LONG)).start()
    run.pause()
    assert np.isfinite(run.net.forward()["loss"])
    run.resume()
    with pytest.raises(NetError):
        run.net.forward()
    run.stop()
    assert run.wait(PATIENCE)
    assert np.isfinite(run.net.forward()["loss"])


def test_a_net_with_the_same_weights_may_at_any_time() -> None:
    run, alone = Run(make_solver(max_iter=LONG)).start(), make_solver()
    other = Net(net_param(), phase="train", share=run.net, seed=1)
    for _ in range(5):
        assert np.isfinite(other.forward()["loss"])
    run.stop()
    assert run.wait(PATIENCE)
    alone.step(run.iter)
    assert parameters(run.solver) == parameters(alone)


def test_threads_wait_for_each_other() -> None:
    """As pycaffe's did, where Python's lock saw to it."""
    net = Net(net_param(), phase="test", seed=1)
    with ThreadPoolExecutor(4) as pool:
        losses = [future.result(PATIENCE) for future in [pool.submit(net.forward) for _ in range(200)]]
    assert all(np.isfinite(outputs["loss"]) for outputs in losses)


def test_who_waits_for_a_turn_does_not_get_it_in_the_midst_of_a_training() -> None:
    """It was asked for in a pause, behind another's pass, and training has gone on since."""
    run = Run(make_solver(max_iter=LONG)).start()
    run.pause()
    net, begun, goes_on = run.net, threading.Event(), threading.Event()
    tell, kept = net.watchers.tell, []

    def wait(moment: str, layer: int) -> None:
        begun.set()
        goes_on.wait(PATIENCE)
        kept.append(net.keeper in (None, threading.get_ident()))
        tell(moment, layer)

    net.watchers.add("before_forward", lambda layer: None)
    net.watchers.tell = wait
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(net.forward)
        assert begun.wait(PATIENCE)
        resumed = pool.submit(run.resume)
        time.sleep(0.05)
        behind = pool.submit(net.forward_backward)
        time.sleep(0.05)
        goes_on.set()
        assert np.isfinite(first.result(PATIENCE)["loss"])
        resumed.result(PATIENCE)
        refused = behind.exception(PATIENCE)  # or it had its turn before the training
    assert all(kept)
    assert refused is None or "in training in another thread" in str(refused)
    run.stop()
    assert run.wait(PATIENCE)


def test_a_pass_is_not_refused_in_its_midst() -> None:
    run, traces = Run(make_solver(max_iter=LONG)).start(), []
    run.pause()
    ended = threading.Event()

    def passes() -> None:
        while not ended.is_set():
            try:
                run.net.forward_backward()
            except NetError as error:
                traces.append([frame.name for frame in traceback.extract_tb(error.__traceback__)])

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(passes)
        for _ in range(60):
            run.resume()
            time.sleep(0.001)
            run.pause()
            time.sleep(0.002)
        ended.set()
        going.result(PATIENCE)
    run.stop()
    assert run.wait(PATIENCE)
    assert traces
    assert not [names for names in traces if "forward_backward" in names]


def test_who_looks_at_the_plan_does_not_make_a_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run = solver.train()` and `print(run.net.plan)` in the next line: blobs belonged to either plan."""
    made = []

    class Slow(Plan):
        def __init__(self, *args: Any, **options: Any) -> None:
            made.append(threading.current_thread())
            time.sleep(0.05)
            super().__init__(*args, **options)

    monkeypatch.setattr(planned, "Plan", Slow)
    run, alone = Run(make_solver()).start(), make_solver()
    assert "ip1" in str(run.net.plan)
    assert run.wait(PATIENCE)
    assert len(made) == 1
    alone.step(20)
    assert parameters(run.solver) == parameters(alone)


def test_a_net_is_not_copied_by_accident() -> None:
    import copy

    with pytest.raises(TypeError, match=r"cannot be copied; use net\.save"):
        copy.deepcopy(Net(net_param(), phase="test"))


def test_two_runs_do_not_write_over_each_others_snapshots(tmp_path: Path) -> None:
    """The cell with `solver.train()` was run again while the first training went on."""
    (tmp_path / "link").symlink_to(tmp_path)
    prefix = str(tmp_path / "s")
    first = Run(make_solver(max_iter=LONG, snapshot_prefix=prefix, snapshot=1000), "birds").start()
    second = Run(make_solver(snapshot_prefix=str(tmp_path / "link" / "s"), snapshot=1000), "birds")
    with pytest.raises(
        TrainingError, match=r"run 'birds' \(number \d+, running\) writes to the same snapshots"
    ):
        second.start()
    assert second.state == "ready"
    Run(make_solver(snapshot_prefix=str(tmp_path / "other"), snapshot=1000)).run()
    first.stop()
    assert first.wait(PATIENCE)
    second.run()
    assert second.state == "finished"


def test_snapshots_that_cannot_be_written_are_told_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    solver = make_solver(snapshot_prefix=str(tmp_path / "file" / "s"), snapshot_after_train=True)
    run = Run(solver)
    for start in (run.start, run.run, solver.solve):
        with pytest.raises(TrainingError, match=r"cannot be written.*snapshot_after_train=False"):
            start()
    assert (run.state, solver.iter) == ("ready", 0)
