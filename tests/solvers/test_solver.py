"""Intervals, events, overrides, divergence and the errors of definitions."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import proto
from owlkit.core import events
from owlkit.core.errors import DataError, MissingFileError, NetError, PrototxtError, TrainingError
from owlkit.solvers import DivergedError, Solver
from tests.training.small import NET, make_solver, net_param, parameters, with_tests


def listen(solver: Solver) -> list[Any]:
    seen: list[Any] = []
    solver.add_listener(seen.append)
    return seen


def of(seen: list[Any], kind: type) -> list[Any]:
    return [event for event in seen if isinstance(event, kind)]


def test_tests_come_at_their_interval_and_at_the_start() -> None:
    solver = with_tests()
    seen = listen(solver)
    solver.solve()
    assert [event.iter for event in of(seen, events.TestDone)] == [0, 5, 10, 15, 20]
    assert [event.iter for event in of(seen, events.IterationDone)] == list(range(1, 21))
    assert set(of(seen, events.TestDone)[0].outputs) == {"accuracy", "loss"}
    assert of(seen, events.TestDone)[0].loss is None


def test_without_test_initialization_the_first_test_waits() -> None:
    solver = with_tests(test_initialization=False, test_compute_loss=True)
    seen = listen(solver)
    solver.step(6)
    (test,) = of(seen, events.TestDone)
    assert test.iter == 5
    assert test.loss == pytest.approx(test.outputs["loss"])


def test_test_nets_see_the_parameters_in_training() -> None:
    solver = with_tests()
    solver.net.params["ip2"][1].data[...] = [0, 1000, 0]
    assert solver.test()["accuracy"] == 1
    with pytest.raises(TrainingError, match="no test net 1; the solver has 1"):
        solver.test(1)


def test_iteration_event() -> None:
    solver = make_solver(iter_size=2, average_loss=2)
    seen = listen(solver)
    solver.step(3)
    first, second, third = of(seen, events.IterationDone)
    assert first.images == 16
    assert first.smoothed_loss == first.loss
    assert third.smoothed_loss == pytest.approx((second.loss + third.loss) / 2)


def test_display_tells_the_outputs_before_the_update() -> None:
    solver = make_solver(display=2, debug_info=True)
    seen = listen(solver)
    solver.step(3)
    assert [event.iter for event in of(seen, events.Displayed)] == [0, 2]
    assert of(seen, events.Displayed)[0].weights == {"loss": 1.0}


def test_learning_rate_override() -> None:
    solver = make_solver(lr_policy="exp", gamma=0.5)
    solver.step(1)
    assert solver.lr == pytest.approx(0.005)
    solver.lr = 0.3
    solver.step(1)
    assert solver.lr == 0.3
    solver.lr = None
    assert solver.lr == pytest.approx(0.0025)
    with pytest.raises(TrainingError, match="makes no sense"):
        solver.lr = math.nan


def test_zero_learning_rate_multiplier_keeps_a_layer() -> None:
    net = net_param()
    net.layer[1].param.add(lr_mult=0)
    solver = Solver(net, base_lr=0.1, weight_decay=0.1, momentum=0.9, seed=1)
    before = solver.net.params["ip1"][0].data.copy()
    solver.step(3)
    assert (solver.net.params["ip1"][0].data == before).all()
    assert len(solver.history) == 4
    assert not solver.history[0].any()
    assert solver.history[1].any()


def test_clipping_limits_the_step() -> None:
    plain, clipped = make_solver(momentum=0), make_solver(momentum=0, clip_gradients=1e-3)
    before = [p.blob.data.copy() for p in clipped.net.learnable]
    clipped.step(1)
    moved = math.sqrt(
        sum(float(((p.blob.data - b) ** 2).sum()) for p, b in zip(clipped.net.learnable, before, strict=True))
    )
    assert moved == pytest.approx(0.01 * 1e-3, rel=1e-2)
    plain.step(1)
    assert parameters(plain) != parameters(clipped)


def test_divergence_names_the_layer_and_keeps_the_parameters() -> None:
    solver = make_solver()
    solver.step(2)
    seen = listen(solver)
    solver.net.params["ip2"][1].data[1] = np.nan
    before = parameters(solver)
    with pytest.raises(DivergedError, match=r"layer 'ip2'.*lower base_lr"):
        solver.step(5)
    (event,) = of(seen, events.Diverged)
    assert (event.iter, event.layer, event.blob) == (2, "ip2", "ip2[1]")
    assert solver.iter == 2
    assert parameters(solver) == before


def test_weights_that_are_no_numbers_end_a_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("owlkit.solvers.iterating.WEIGHTS_EVERY", 4)
    solver = make_solver()
    solver.step(2)
    seen = listen(solver)
    solver.net.params["ip1"][0].data[0] = np.nan
    monkeypatch.setattr(solver.net, "forward_backward", lambda: 0.5)  # as behind MAX pooling
    with pytest.raises(DivergedError, match=r"iteration 4 weights of layer .ip1.*NaN.*the loss, "):
        solver.step(9)
    (event,) = of(seen, events.Diverged)
    assert (event.iter, event.layer, event.blob) == (4, "ip1", "ip1[0]")
    large = make_solver()
    large.net.params["ip1"][0].data[0] = 1e30  # its norm may be infinite in float32, and it is a number
    monkeypatch.setattr(large.net, "forward_backward", lambda: 0.5)
    large.step(4)


def test_no_snapshot_of_parameters_that_are_not_finite(tmp_path: Path) -> None:
    solver = make_solver(snapshot_prefix=str(tmp_path / "a"))
    model, state = solver.snapshot()
    kept = model.read_bytes()
    solver.net.params["ip2"][0].data[0, 0] = np.inf
    with pytest.raises(TrainingError, match=r"parameter ip2\[0\]"):
        solver.snapshot()
    assert model.read_bytes() == kept
    assert sorted(p.name for p in tmp_path.iterdir()) == [model.name, state.name, state.name + ".owl"]


@pytest.mark.filterwarnings("ignore")
def test_a_listener_that_fails_is_removed(caplog: pytest.LogCaptureFixture) -> None:
    solver = make_solver()
    calls = []

    def bad(event: Any) -> None:
        calls.append(event)
        raise RuntimeError("broken")

    solver.add_listener(bad)
    solver.step(3)
    assert len(calls) == 1
    assert "failed and was removed" in caplog.text


@pytest.mark.filterwarnings("ignore")
def test_a_listener_that_cannot_say_whether_it_looks_is_removed(caplog: pytest.LogCaptureFixture) -> None:
    solver = make_solver()
    seen: list[Any] = []

    def bad() -> bool:
        raise RuntimeError("broken")

    solver.add_listener(seen.append, at_rest=bad)
    solver.step(1)
    assert solver.iter == 1
    assert not seen
    assert "failed and was removed" in caplog.text


def test_a_listener_can_be_taken_away() -> None:
    solver = make_solver()
    seen: list[Any] = []
    remove = solver.add_listener(seen.append)
    remove()
    remove()
    solver.step(1)
    assert not seen


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"base_rl": 0.1}, PrototxtError, "no field 'base_rl'.*base_lr"),
        ({"learning_rate": 0.1}, PrototxtError, "no field 'learning_rate'.*did you mean 'base_lr'"),
        ({"base_lr": "much"}, PrototxtError, "base_lr cannot be 'much': give a number"),
        ({"max_iter": 1.5}, PrototxtError, "max_iter cannot be 1.5: give a whole number"),
        ({"debug_info": "maybe"}, PrototxtError, "debug_info cannot be 'maybe': give true or false"),
        ({"max_iter": 1 << 40}, PrototxtError, "max_iter cannot be 1099511627776: Value out of range"),
        ({"type": "Sgd"}, TrainingError, "unknown solver type 'Sgd'.*did you mean 'SGD'"),
        ({"type": "AdaGrad"}, TrainingError, "AdaGrad has no momentum"),
        ({"regularization_type": "L3"}, TrainingError, "L3"),
        ({"snapshot_format": "HDF6"}, PrototxtError, "HDF5, BINARYPROTO"),
        ({"iter_size": 0}, TrainingError, "iter_size is 0"),
        ({"solver_mode": "TPU"}, PrototxtError, "CPU, GPU"),
        ({"net": "other.prototxt"}, TrainingError, "exactly one of net.*found net and net_param"),
        ({"test": net_param(), "test_iter": 3}, TrainingError, "no test_interval"),
        ({"test": net_param(), "test_iter": 0, "test_interval": 1}, TrainingError, "at least 1"),
        ({"test": net_param(), "test_iter": [1, 2], "test_interval": 1}, TrainingError, "2 test_iter for 1"),
        ({"base_lr": 1e39}, TrainingError, "base_lr is inf"),
        ({"base_lr": -0.1}, TrainingError, "base_lr is -0.1"),
        ({"momentum": float("nan")}, TrainingError, "momentum is nan"),
        ({"test": net_param(), "test_interval": 1}, TrainingError, "give test_iter"),
        ({"test_net": ["a", "b"], "test_iter": 3}, TrainingError, "once per test net"),
        ({"snapshot": 5, "snapshot_prefix": "/proc/nothing/here"}, TrainingError, "cannot be written"),
    ],
)
def test_definitions_that_make_no_sense(fields: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        make_solver(**fields)


def test_a_solver_file_that_is_missing_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError, match=re.escape(f"s.prototxt (paths count from {tmp_path})")):
        Solver("s.prototxt")
    with pytest.raises(MissingFileError, match=re.escape(f"a.caffemodel (paths count from {tmp_path})")):
        make_solver(weights="a.caffemodel")


def test_a_solver_that_cannot_be_made_leaves_no_folder_for_its_snapshots(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        make_solver(snapshot=5, snapshot_prefix=str(tmp_path / "runs" / "a"), weights="nowhere.caffemodel")
    assert not list(tmp_path.iterdir())


def test_a_net_that_is_tested_twice_is_remarked(caplog: pytest.LogCaptureFixture) -> None:
    """Caffe's rule: what is left of test_iter makes test nets of `net`."""
    assert len(make_solver(test_iter=[1, 2], test_interval=5).test_nets) == 2
    assert "the same net is tested 2 times" in caplog.text


def test_paths_in_a_solver_file(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    path = tmp_path / "solver.prototxt"
    path.write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" test_iter: 2 test_interval: 4 max_iter: 4'
    )
    solver = Solver(path, max_iter=2)
    assert len(solver.test_nets) == 1
    assert solver.param.max_iter == 2
    assert "folder of the solver file" in solver.notices[0]
    assert solver.prefix == str(tmp_path / "solver")


def test_gpu_in_the_file_is_noticed() -> None:
    notice = make_solver(solver_mode="GPU").notices[0]
    assert "training on the CPU" in notice
    assert "use device=" not in notice


def test_files_that_are_no_solver(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no solver file"):
        Solver(tmp_path / "nothing.prototxt")
    net = tmp_path / "net.prototxt"
    net.write_text(NET)
    with pytest.raises(PrototxtError, match=r"is a net, .* or the fields of one beside the net"):
        Solver(net, max_iter=2)


def test_a_net_file_and_fields_make_a_solver(tmp_path: Path) -> None:
    path = tmp_path / "train_val.prototxt"
    path.write_text(NET)
    fields: dict[str, Any] = {"base_lr": 0.1, "max_iter": 2, "seed": 3, "test_iter": 1, "test_interval": 2}
    made = [
        Solver(path, **fields),
        Solver(net=path, **fields),
        Solver(net_param(), test=net_param(), **fields),
    ]
    for solver in made:
        solver.step(2)
    assert len({tuple(parameters(solver)) for solver in made}) == 1
    assert [len(solver.test_nets) for solver in made] == [1, 1, 1]
    assert made[0].prefix == str(tmp_path / "train_val")
    assert made[0].param.lr_policy == made[1].param.lr_policy == "fixed"
    with pytest.raises(TrainingError, match=r"needs exactly one of net, .*; found none"):
        Solver(base_lr=0.1)
    with pytest.raises(TrainingError, match="found net and net_param"):
        Solver(net_param(), net=path, base_lr=0.1)


def test_weights_to_start_from(tmp_path: Path) -> None:
    first = make_solver(snapshot_prefix=str(tmp_path / "a"))
    first.step(2)
    model, _ = first.snapshot()
    second = make_solver(seed=99, weights=str(model))
    assert parameters(second) == parameters(first)
    assert second.notices == [f"weights from {model}: all 2 layers loaded"]


def test_weights_that_fit_in_part_or_not_at_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = str(make_solver(snapshot_prefix=str(tmp_path / "a")).snapshot()[0])
    net = net_param()
    net.layer[3].name = "head"
    found = Solver(net, base_lr=0.1, weights=model)
    told = (
        f"weights from {model}: 1 of 2 layers loaded; not in the file, kept as they are: head; not in the net"
    )
    assert found.notices[0].startswith(told)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    net.layer[1].name = "first"
    with pytest.raises(NetError, match=r"no layer was loaded.*first, head, the file in ip1, ip2"):
        Solver(net, base_lr=0.1, weights=model)


def test_repr_is_cheap() -> None:
    assert repr(make_solver()) == "Solver(SGD, net 'small', iteration 0 of 20, lr 0.01)"


def test_weights_without_a_filler_are_remarked() -> None:
    """Caffe's default filler is constant 0: two such layers in a row never start to learn."""
    bare = "inner_product_param { num_output: 3 }"
    definition = f"""
layer {{ name: "data" type: "DummyData" top: "data" top: "label"
        dummy_data_param {{ shape {{ dim: 4 dim: 5 }} shape {{ dim: 4 }}
                           data_filler {{ type: "gaussian" }} data_filler {{ value: 1 }} }} }}
layer {{ name: "one" type: "InnerProduct" bottom: "data" top: "one" {bare} }}
layer {{ name: "two" type: "InnerProduct" bottom: "one" top: "two" {bare} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "two" bottom: "label" top: "loss" }}"""
    net = proto.text.parse(definition, proto.caffe_pb2.NetParameter)
    solver = Solver(net, base_lr=0.1, max_iter=2, seed=1)
    seen = listen(solver)
    solver.step(2)
    (warned,) = of(seen, events.Warned)
    assert warned.message.startswith("all weights of one, two are 0 and stay so: give a weight_filler")
