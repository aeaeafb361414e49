"""caffe.SGDSolver and the others, as pycaffe's tutorials use them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

import owlkit
import owlkit.caffe as caffe
from owlkit.core.errors import DataError, NetError, OwlkitError, TrainingError
from tests.caffe.nets import TRAINABLE, write, write_solver

FIXED = TRAINABLE.replace('type: "gaussian" std: 1 }', 'type: "constant" value: 0.5 }')
KINDS = {
    "SGD": caffe.SGDSolver,
    "Nesterov": caffe.NesterovSolver,
    "AdaGrad": caffe.AdaGradSolver,
    "RMSProp": caffe.RMSPropSolver,
    "AdaDelta": caffe.AdaDeltaSolver,
    "Adam": caffe.AdamSolver,
}


def fitting(kind: str) -> str:
    """What a solver file needs besides, for a type that takes no momentum."""
    return "momentum: 0" if kind in ("AdaGrad", "RMSProp") else ""


def parameters(net: caffe.Net) -> list[np.ndarray]:
    return [blob.data.copy() for blobs in net.params.values() for blob in blobs]


def assert_same(one: list[np.ndarray], two: list[np.ndarray]) -> None:
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_each_solver_trains_as_owlkits_own(tmp_path: Path, kind: str) -> None:
    """The class says how to update, whatever type the file names, as in pycaffe."""
    path = write_solver(tmp_path, 'type: "SGD"', fitting(kind))
    solver = KINDS[kind](path)
    own = owlkit.Solver(path, type=kind)
    assert solver.param.type == kind
    solver.step(4)
    own.step(4)
    assert solver.iter == 4
    assert_same(parameters(solver.net), [p.blob.data for p in own.net.learnable])


@pytest.mark.parametrize("kind", KINDS)
def test_get_solver_makes_what_the_file_names(tmp_path: Path, kind: str) -> None:
    solver = caffe.get_solver(write_solver(tmp_path, f'type: "{kind}"', fitting(kind)))
    assert type(solver) is KINDS[kind]


def test_get_solver_refuses_an_unknown_type(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"'Adan'.*'Adam'"):
        caffe.get_solver(write_solver(tmp_path, 'type: "Adan"'))
    with pytest.raises(RuntimeError, match="could not open file"):
        caffe.get_solver(str(tmp_path / "none.prototxt"))


def test_the_loop_of_the_first_tutorial(tmp_path: Path) -> None:
    """Step, read losses from the train net's blobs, test by hand from the layer after the data."""
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.net.blobs["label"].data[...] = solver.test_nets[0].blobs["label"].data[...] = [0, 1, 2, 0, 1]
    solver.net.forward()
    solver.test_nets[0].forward()
    losses, correct = np.zeros(6), 0
    for it in range(6):
        solver.step(1)
        losses[it] = solver.net.blobs["loss"].data
        solver.test_nets[0].forward(start="conv")
        scores = solver.test_nets[0].blobs["ip"].data
        correct += (scores.argmax(1) == solver.test_nets[0].blobs["label"].data).sum()
    assert np.isfinite(losses).all()
    assert len(set(losses)) == 6
    assert 0 <= correct <= 30
    assert solver.iter == 6
    assert solver.net.params["conv"][0].diff.any()


def test_test_nets_share_the_parameters(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.step(1)
    mine, tested = solver.net.params["ip"][0].data, solver.test_nets[0].params["ip"][0].data
    assert np.shares_memory(mine, tested)


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_step_diff_is_what_was_subtracted(tmp_path: Path, kind: str) -> None:
    solver = KINDS[kind](write_solver(tmp_path, fitting(kind), "weight_decay: 0.01"))
    solver.step(2)
    before = parameters(solver.net)
    solver.step(1)
    subtracted = [blob.diff for blobs in solver.net.params.values() for blob in blobs]
    for old, new, step in zip(before, parameters(solver.net), subtracted, strict=True):
        assert step.any()
        np.testing.assert_allclose(old - new, step, rtol=1e-3, atol=1e-6)


def test_apply_update_by_hand(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    weights, bias = solver.net.params["conv"]
    weights.data[...] = 0
    weights.diff[...] = bias.diff[...] = 1
    before = bias.data.copy()
    solver.apply_update()
    np.testing.assert_allclose(weights.data, -0.05, rtol=1e-6)
    np.testing.assert_allclose(bias.data - before, -0.1, rtol=1e-5)
    assert solver.iter == 1


def test_a_loop_by_hand_is_a_step(tmp_path: Path) -> None:
    path = write_solver(tmp_path, net=FIXED)
    stepped, by_hand = caffe.SGDSolver(path), caffe.SGDSolver(path)
    stepped.step(3)
    for _ in range(3):
        by_hand.net.clear_param_diffs()
        by_hand.net.forward()
        by_hand.net.backward()
        by_hand.apply_update()
    for one, two in zip(parameters(stepped.net), parameters(by_hand.net), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_the_base_rate_may_be_changed_between_steps(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    assert solver.lr == pytest.approx(0.05)
    solver.param.base_lr = 0.0
    before = parameters(solver.net)
    solver.step(1)
    assert_same(before, parameters(solver.net))
    assert (solver.param.max_iter, solver.param.display) == (6, 2)


def test_callbacks_see_and_change_the_gradients(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    told: list[str] = []

    def start() -> None:
        told.append("start")
        assert not solver.net.params["conv"][0].diff.any()

    def ready() -> None:
        told.append("ready")
        assert solver.net.blobs["conv"].diff.any()
        for blobs in solver.net.params.values():
            for blob in blobs:
                blob.diff[...] = 0

    solver.add_callback(start, ready)
    before = parameters(solver.net)
    solver.step(2)
    assert told == ["start", "ready"] * 2
    assert_same(before, parameters(solver.net))


def test_what_a_callback_raises_ends_the_step(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.add_callback(lambda: None, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        solver.step(1)
    assert solver.iter == 0


def test_snapshot_and_restore_go_on_bit_for_bit(tmp_path: Path) -> None:
    path = write_solver(tmp_path)
    one = caffe.SGDSolver(path)
    one.step(3)
    one.snapshot()
    assert (tmp_path / "snap_iter_3.caffemodel").exists()
    one.step(3)
    two = caffe.SGDSolver(path)
    two.restore(str(tmp_path / "snap_iter_3.solverstate"))
    assert two.iter == 3
    two.step(3)
    assert_same(parameters(one.net), parameters(two.net))
    three = caffe.SGDSolver(path)
    three.solve(str(tmp_path / "snap_iter_3.solverstate"))
    assert three.iter == 6
    assert_same(parameters(one.net), parameters(three.net))
    with pytest.raises(DataError, match="could not open file"):
        two.restore(str(tmp_path / "snap_iter_4.solverstate"))


def test_solve_ends_at_max_iter_with_a_snapshot(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.solve()
    assert solver.iter == 6
    assert (tmp_path / "snap_iter_6.solverstate").exists()


def test_weights_are_shared_with_a_net_of_ones_own(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    net = caffe.Net(write(tmp_path, TRAINABLE, "own.prototxt"), caffe.TEST)
    solver.share_weights(net)
    solver.step(2)
    np.testing.assert_array_equal(net.params["ip"][0].data, solver.net.params["ip"][0].data)
    with pytest.raises(NetError, match=r"other\.share_with\(solver\.net\)"):
        solver.net.share_with(net)


def test_kept_arrays_of_a_training_net_follow_it(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    kept = solver.net.blobs["conv"].data
    solver.step(1)
    first = kept.copy()
    assert first.any()
    solver.step(1)
    assert (kept != first).any()
    np.testing.assert_array_equal(kept, solver.net._net.blobs["conv"].data)


def test_the_log_is_caffes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    with caplog.at_level(logging.INFO, "owlkit.caffe"):
        solver.step(1)
        caffe.log("done")
    lines = [record.getMessage() for record in caplog.records]
    loss = f"{float(solver.net.blobs['loss'].data):g}"
    assert "Iteration 0, Testing net (#0)" in lines
    assert f"Iteration 0 (0 iter/s, 0s/2 iters), loss = {loss}" in lines
    assert f"    Train net output #0: loss = {loss} (* 1 = {loss} loss)" in lines
    assert lines[-2:] == ["Iteration 0, lr = 0.05", "done"]


def test_a_user_may_run_any_part_of_a_solvers_net(tmp_path: Path) -> None:
    """Training fuses layers; as soon as somebody runs the net by hand, any part can be run."""
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.step(1)
    solver.net.forward()
    solver.net.blobs["conv"].diff[...] = 1
    solver.net.clear_param_diffs()
    solver.net.backward(start="conv", end="conv")
    np.testing.assert_allclose(solver.net.params["conv"][1].diff, 5 * 6 * 4)
    solver.step(1)
    assert solver.iter == 2


def test_a_test_net_of_a_solver_says_that_it_runs_forward_only(tmp_path: Path) -> None:
    solver = caffe.SGDSolver(write_solver(tmp_path))
    solver.test_nets[0].forward()
    with pytest.raises(NetError, match=r"solver\.share_weights\(net\)"):
        solver.test_nets[0].backward()


def test_a_net_given_as_a_solver_is_recognised(tmp_path: Path) -> None:
    for make in (caffe.SGDSolver, caffe.get_solver):
        with pytest.raises(OwlkitError, match="is a net, not a solver"):
            make(write(tmp_path, TRAINABLE))
