"""A net that a Run trains: passes of other threads are refused until it pauses, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import Net
from owlkit.core.errors import NetError, TrainingError
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
        with pytest.raises(NetError, match=r"in training in another thread.*run.pause\(\)"):
            PASSES[action](net)
    run.stop()
    assert run.wait(PATIENCE)
    alone.step(run.iter)
    assert parameters(run.solver) == parameters(alone)


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


def test_a_net_is_not_copied_by_accident() -> None:
    import copy

    with pytest.raises(TypeError, match="cannot be copied; use net.save"):
        copy.deepcopy(Net(net_param(), phase="test"))


def test_two_runs_do_not_write_over_each_others_snapshots(tmp_path: Path) -> None:
    """The cell with `solver.train()` was run again while the first training went on."""
    prefix = str(tmp_path / "s")
    first = Run(make_solver(max_iter=LONG, snapshot_prefix=prefix, snapshot=1000), "birds").start()
    second = Run(make_solver(snapshot_prefix=prefix, snapshot=1000), "birds")
    with pytest.raises(TrainingError, match=r"run 'birds' \(number \d+, running\) writes to the same snapshots"):
        second.start()
    assert second.state == "ready"
    Run(make_solver(snapshot_prefix=str(tmp_path / "other"), snapshot=1000)).run()
    first.stop()
    assert first.wait(PATIENCE)
    second.run()
    assert second.state == "finished"
