"""Fields of a solver file, each seen to do what Caffe's does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, NetSpec, zoo
from owlkit.core.errors import PrototxtError, TrainingError
from owlkit.core.events import TestDone
from owlkit.datasets import from_arrays
from owlkit.net import Net
from owlkit.net.debug_info import _mean_magnitude
from owlkit.proto import caffe_pb2, text
from owlkit.solvers import Solver
from tests.training.small import NET, make_solver, net_param, parameters, with_tests

OLD_TYPES = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}
STAGED = """
name: "staged"
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 8 dim: 6 } shape { dim: 8 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param { num_output: 5 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2" inner_product_param { num_output: 3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
layer { name: "top1" type: "Accuracy" bottom: "ip2" bottom: "label" top: "top1" include { stage: "first" } }
layer { name: "top2" type: "Accuracy" bottom: "ip2" bottom: "label" top: "top2" accuracy_param { top_k: 2 }
  include { min_level: 2 } }
layer { name: "spy" type: "Silence" bottom: "data"
  include { phase: TRAIN stage: "watched" not_stage: "off" } }
"""


def written(folder: Path, solver: str, net: str = NET) -> Path:
    """A solver file beside its net."""
    (folder / "net.prototxt").write_text(net)
    path = folder / "solver.prototxt"
    path.write_text(
        f'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 9 random_seed: 3 {solver}'
    )
    return path


@pytest.mark.parametrize("old", list(OLD_TYPES))
def test_the_old_enum_is_the_type_of_today(tmp_path: Path, old: str) -> None:
    momentum = "" if old in ("ADAGRAD", "RMSPROP") else "momentum: 0.9"
    solvers = [
        Solver(written(tmp_path, f"{momentum} {kind}"))
        for kind in (
            f"solver_type: {old}",
            f'type: "{OLD_TYPES[old]}"',
            f"solver_type: {list(OLD_TYPES).index(old)}",
        )
    ]
    for solver in solvers:
        solver.step(3)
    assert solvers[0].param.type == OLD_TYPES[old]
    assert parameters(solvers[0]) == parameters(solvers[1]) == parameters(solvers[2])


def test_both_type_and_the_old_enum(tmp_path: Path) -> None:
    with pytest.raises(PrototxtError, match="both type and its old form solver_type"):
        Solver(written(tmp_path, 'solver_type: ADAM type: "Adam"'))


@pytest.mark.parametrize("old", ["ADAM", "adam", 5])
def test_the_old_enum_in_keywords_and_messages(tmp_path: Path, old: str | int) -> None:
    """It was passed over there, and SGD trained."""
    by_keyword = Solver(net_param(), base_lr=0.01, solver_type=old)
    message = caffe_pb2.SolverParameter(net_param=net_param(), base_lr=0.01, lr_policy="fixed", solver_type=5)
    for solver in (by_keyword, Solver(message), Solver(written(tmp_path, ""), solver_type=old)):
        assert solver.param.type == "Adam"
        assert "(Adam," in repr(solver)
    assert message.solver_type == 5  # the caller's own stays as it was
    with pytest.raises(PrototxtError, match="solver: both type and its old form solver_type are given"):
        Solver(net_param(), base_lr=0.01, type="SGD", solver_type=old)


def test_several_test_nets_with_states(tmp_path: Path) -> None:
    """One net, three states; every test net has layers of its own and the parameters of the trained one."""
    solver = Solver(
        written(
            tmp_path,
            """train_state { stage: "watched" } test_interval: 3 test_iter: 1 test_iter: 2 test_iter: 4
            test_state { stage: "first" } test_state { level: 2 } test_state { stage: "first" level: 2 }""",
            STAGED,
        )
    )
    assert "spy" in solver.net.layer_names
    assert [sorted(set(net.layer_names) & {"top1", "top2", "spy"}) for net in solver.test_nets] == [
        ["top1"],
        ["top2"],
        ["top1", "top2"],
    ]
    assert solver.test_iterations == [1, 2, 4]
    solver.net.params["ip2"][1].data[...] = [9, 0, 0]
    assert [sorted(solver.test(index)) for index in range(3)] == [
        ["loss", "top1"],
        ["loss", "top2"],
        ["loss", "top1", "top2"],
    ]
    assert solver.test(2)["top1"] == 1


def test_states_must_be_as_many_as_nets(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="1 test_state for 2 test nets"):
        Solver(
            written(tmp_path, 'test_interval: 3 test_iter: 1 test_iter: 2 test_state { stage: "a" }', STAGED)
        )


@pytest.mark.parametrize("form", ["repeated", "commas"])
def test_weights_in_the_solver_file(tmp_path: Path, form: str) -> None:
    """Later files win, as later --weights of Caffe do."""
    models = [
        make_solver(seed=seed, snapshot_prefix=str(tmp_path / f"s{seed}")).snapshot()[0] for seed in (1, 2)
    ]
    joined = ",".join(map(str, models))
    given = (
        f'weights: "{joined}"' if form == "commas" else " ".join(f'weights: "{model}"' for model in models)
    )
    assert parameters(Solver(written(tmp_path, given))) == parameters(make_solver(seed=2))
    assert parameters(Solver(written(tmp_path, given), weights=str(models[0]))) == parameters(
        make_solver(seed=1)
    )


def test_layer_wise_reduce_changes_no_bits_on_one_device(tmp_path: Path) -> None:
    """It says when several devices add their gradients up; with one there is nothing to add."""
    on, off = (Solver(written(tmp_path, f"layer_wise_reduce: {value}")) for value in ("true", "false"))
    on.step(4)
    off.step(4)
    assert (on.param.layer_wise_reduce, off.param.layer_wise_reduce) == (True, False)
    assert parameters(on) == parameters(off)


def test_random_seed(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    one, same = Solver(path), Solver(path)
    other, none, again = (
        Solver(path, random_seed=4),
        Solver(path, random_seed=-1),
        Solver(path, random_seed=-1),
    )
    for solver in (one, same, other, none, again):
        solver.step(2)
    assert parameters(one) == parameters(same)
    assert len({repr(parameters(solver)) for solver in (one, other, none, again)}) == 4


@pytest.mark.parametrize("window", [1, 3, 10])
def test_average_loss(window: int) -> None:
    solver = make_solver(average_loss=window)
    seen: list[Any] = []
    solver.add_listener(lambda event: seen.append(event) if hasattr(event, "smoothed_loss") else None)
    solver.step(6)
    losses = [event.loss for event in seen]
    for done, event in enumerate(seen, 1):
        assert event.smoothed_loss == pytest.approx(np.mean(losses[max(0, done - window) : done]))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("Adam", "momentum", 1.0),
        ("Adam", "momentum2", 1.0),
        ("Adam", "momentum2", -0.5),
        ("AdaDelta", "momentum", 1.5),
        ("RMSProp", "rms_decay", 1.01),
    ],
)
def test_shares_of_a_history_that_make_no_sense(kind: str, field: str, value: float) -> None:
    """Adam would divide by zero, the others take the root of a negative number, deep in the training."""
    others = {"momentum": 0} if kind == "RMSProp" else {}
    with pytest.raises(TrainingError, match=rf"{field} is {value:g}; {kind} keeps that share: give 0"):
        make_solver(type=kind, **{**others, field: value})


DEBUG_LINE = re.compile(
    r"    \[(Forward|Backward)\] "
    r"(?:Layer (\S+), (top blob|bottom blob|param blob) (\S+) (data|diff): ([-+.\de]+)"
    r"|All net params \(data, diff\): L1 norm = \((\S+), (\S+)\); L2 norm = \((\S+), (\S+)\))"
)


def test_debug_info_in_caffes_words(caplog: pytest.LogCaptureFixture) -> None:
    """At the display interval only, means of absolute values, forward in order and backward in reverse."""
    caplog.set_level("INFO", "owlkit")
    solver = make_solver(display=2, debug_info=True)
    solver.step(1)
    lines = [record.message for record in caplog.records if record.message.startswith("    [")]
    found = [DEBUG_LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    names = [match.group(1, 2, 3, 4, 5) for match in found if match and match[2]]
    assert names == [
        ("Forward", "data", "top blob", "data", "data"),
        ("Forward", "data", "top blob", "label", "data"),
        ("Forward", "ip1", "top blob", "ip1", "data"),
        ("Forward", "ip1", "param blob", "0", "data"),
        ("Forward", "ip1", "param blob", "1", "data"),
        ("Forward", "relu1", "top blob", "ip1", "data"),
        ("Forward", "ip2", "top blob", "ip2", "data"),
        ("Forward", "ip2", "param blob", "0", "data"),
        ("Forward", "ip2", "param blob", "1", "data"),
        ("Forward", "loss", "top blob", "loss", "data"),
        ("Backward", "loss", "bottom blob", "ip2", "diff"),
        ("Backward", "ip2", "bottom blob", "ip1", "diff"),
        ("Backward", "ip2", "param blob", "0", "diff"),
        ("Backward", "ip2", "param blob", "1", "diff"),
        ("Backward", "relu1", "bottom blob", "ip1", "diff"),
        ("Backward", "ip1", "param blob", "0", "diff"),
        ("Backward", "ip1", "param blob", "1", "diff"),
    ]
    values = {match.group(1, 2, 3, 4): float(match[6]) for match in found if match and match[2]}
    diff = solver.net.params["ip2"][0].diff
    assert values["Backward", "ip2", "param blob", "0"] == pytest.approx(float(np.abs(diff).mean()), rel=1e-5)
    gradients = np.concatenate([p.blob.diff.ravel() for p in solver.net.learnable])
    assert float(found[-1][10]) == pytest.approx(float(np.linalg.norm(gradients)), rel=1e-5)  # type: ignore[index]
    caplog.clear()
    solver.step(1)
    assert not [record for record in caplog.records if record.message.startswith("    [")]


def test_debug_info_shows_each_batch_of_a_test(caplog: pytest.LogCaptureFixture) -> None:
    """Caffe hands it to test nets, where no display interval limits it: forward lines alone."""
    caplog.set_level("INFO", "owlkit")
    solver = with_tests(test_iter=3, display=0, debug_info=True)
    solver.test()
    lines = [record.message for record in caplog.records if record.message.startswith("    [")]
    names = [match.group(1, 2, 3, 4) for line in lines if (match := DEBUG_LINE.fullmatch(line))]
    assert len(names) == len(lines)
    assert names.count(("Forward", "accuracy", "top blob", "accuracy")) == 3
    assert {name[0] for name in names} == {"Forward"}
    caplog.clear()
    with_tests(test_iter=3, display=0).test()
    assert not [record for record in caplog.records if record.message.startswith("    [")]


def test_means_of_large_blobs_in_half_precision() -> None:
    """Sums of theirs would end where a value is less than half of what the type tells apart there."""
    pytest.importorskip("ml_dtypes", reason="bfloat16 comes with the dev extra")
    for dtype in ("float16", "bfloat16"):
        assert _mean_magnitude(np.full(100_000, -0.375).astype(dtype)) == 0.375


def test_debug_info_shows_a_parameter_by_its_name_in_the_forward_pass_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Caffe's param_display_names_, which its BackwardDebugInfo does not use."""
    caplog.set_level("INFO", "owlkit")
    definition = net_param()
    next(layer for layer in definition.layer if layer.name == "ip2").param.add(name="shared")
    Solver(definition, base_lr=0.1, lr_policy="fixed", display=1, debug_info=True).step(1)
    found = [
        match for record in caplog.records if (match := DEBUG_LINE.fullmatch(record.message)) and match[2]
    ]
    names = [match.group(1, 4) for match in found if match.group(2, 3) == ("ip2", "param blob")]
    assert names == [("Forward", "shared"), ("Forward", "1"), ("Backward", "0"), ("Backward", "1")]


def test_debug_info_of_a_net_shows_each_whole_pass(caplog: pytest.LogCaptureFixture) -> None:
    """It was passed over. A solver's nets go by the solver's own, as Caffe's do."""
    caplog.set_level("INFO", "owlkit")

    def told() -> list[str]:
        found = [m for record in caplog.records if (m := DEBUG_LINE.fullmatch(record.message))]
        caplog.clear()
        return [match[1] if match[2] else "norms" for match in found]

    definition = net_param()
    definition.debug_info = True
    net = Net(definition, phase="train")
    net.forward()
    assert told() == ["Forward"] * 10
    net.backward()
    assert told() == ["Backward"] * 7 + ["norms"]
    net.forward_backward()
    assert told() == ["Forward"] * 10 + ["Backward"] * 7 + ["norms"]
    net.forward(end="ip1")
    assert not told()
    Solver(definition, base_lr=0.1, display=1).step(1)
    assert not told()


def test_debug_info_without_display_is_remarked(caplog: pytest.LogCaptureFixture) -> None:
    """It shows nothing of the training then, here and in Caffe."""
    assert any("debug_info" in notice for notice in make_solver(display=0, debug_info=True).notices)
    assert not any("debug_info" in notice for notice in make_solver(display=1, debug_info=True).notices)


def test_policies_in_a_file_change_the_rate(tmp_path: Path) -> None:
    solver = Solver(written(tmp_path, "stepvalue: 2 stepvalue: 3 gamma: 0.1"), lr_policy="multistep")
    rates = []
    for _ in range(4):
        rates.append(solver.lr)
        solver.step(1)
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.0001])


def test_a_net_from_a_message() -> None:
    param = text.parse('base_lr: 0.1 lr_policy: "fixed" type: "AdaGrad"', caffe_pb2.SolverParameter)
    param.net_param.CopyFrom(net_param())
    assert Solver(param).param.type == "AdaGrad"


def test_a_missing_net_says_where_it_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "solver.prototxt").write_text('train_net: "mnist/a.prototxt" base_lr: 1 lr_policy: "fixed"')
    with pytest.raises(FileNotFoundError, match=r"no file mnist/a.prototxt: .*working directory.*beside"):
        Solver(tmp_path / "solver.prototxt")


@pytest.mark.parametrize(
    ("field", "told"), [("lr", "'base_lr'"), ("optimizer", "'type'"), ("momentum", "a net")]
)
def test_a_net_file_with_a_field_that_is_none(tmp_path: Path, field: str, told: str) -> None:
    """It was told that base_lr is missing: not, what was written in its place."""
    written(tmp_path, "")
    with pytest.raises(PrototxtError, match=f"did you mean {told}|is {told}, not a solver.*base_lr at least"):
        Solver(tmp_path / "net.prototxt", **{field: 0.1})


def test_a_field_that_is_set_as_an_attribute_is_refused() -> None:
    """It was taken without a word, and changed nothing."""
    solver = make_solver()
    with pytest.raises(AttributeError, match=r"solver\.lr = "):
        solver.base_lr = 0.5  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"run\.max_iter"):
        solver.max_iter = 5  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"give Solver\(\.\.\., momentum="):
        solver.momentum = 0.5  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="did you mean 'lr'"):
        solver.lrr = 0.5  # type: ignore[attr-defined]
    solver.lr = 0.5
    assert solver.lr == 0.5


def test_a_class_of_ones_own_has_attributes_of_its_own() -> None:
    class Counting(Solver):
        def __init__(self, *given: Any, **fields: Any) -> None:
            super().__init__(*given, **fields)
            self.counted = 1

    solver = Counting(net_param(), base_lr=0.01)
    solver.counted += 1
    with pytest.raises(AttributeError, match="field of its definition"):
        solver.momentum = 0.5  # type: ignore[attr-defined]


def test_who_asks_for_tests_gets_them(tmp_path: Path) -> None:
    """Of a net that has layers for them, where no test net is named: a pass over its data. It had none."""
    images = np.zeros((12, 28, 28), np.uint8)
    sets = [from_arrays(tmp_path / name, images, np.arange(12) % 2) for name in ("train", "test")]
    net = zoo.lenet(*sets, batch_size=4, test_batch_size=6)
    for definition in (net, str(net.save(tmp_path / "net.prototxt"))):
        solver = Solver(definition, base_lr=0.01, max_iter=2, test_interval=1)
        assert solver.test_iterations == [2]
        assert set(solver.test()) == {"accuracy", "loss"}
    assert not Solver(net, base_lr=0.01, max_iter=2).test_nets
    plain = NetSpec("plain")
    plain.data, plain.label = L.Data(source=sets[0], batch_size=4, ntop=2)
    plain.score = L.InnerProduct(plain.data, num_output=2)
    plain.loss = L.SoftmaxWithLoss(plain.score, plain.label)
    with pytest.raises(TrainingError, match="nothing to test with: give test="):
        Solver(plain, base_lr=0.01, test_interval=5)


def test_tests_are_asked_of_a_solver_file_whose_net_lies_beside_it(tmp_path: Path) -> None:
    """Both kinds of asking look into the net, which is not found from where the program was started."""
    images = np.zeros((12, 28, 28), np.uint8)
    train, test = (from_arrays(tmp_path / name, images, np.arange(12) % 2) for name in ("train", "test"))
    lenet = zoo.lenet(train, test, batch_size=4, test_batch_size=6)
    path = written(tmp_path, "", text.format(lenet.to_proto()))
    assert Solver(path, test_interval=2).test_iterations == [2]
    plain = NetSpec("plain")
    plain.data, plain.label = L.Data(source=train, batch_size=4, ntop=2)
    plain.score = L.InnerProduct(plain.data, num_output=2)
    plain.loss = L.SoftmaxWithLoss(plain.score, plain.label)
    path = written(tmp_path, "", text.format(plain.to_proto()))
    assert Solver(path, test=test, test_interval=2).test_iterations == [3]


def test_batch_norm_without_statistics_is_not_tested_by_default(tmp_path: Path) -> None:
    """Its loss was thousands, and the curve of the training a line at the bottom of the chart."""
    source = from_arrays(
        tmp_path / "set", np.random.default_rng(0).integers(0, 256, (8, 6, 6)), np.arange(8) % 2
    )

    def net() -> NetSpec:
        n = NetSpec("normed")
        n.data, n.label = L.Data(source=source, batch_size=4, ntop=2)
        n.bn = L.BatchNorm(n.data)
        n.score = L.InnerProduct(n.bn, num_output=2, weight_filler="xavier")
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
        return n

    def tested(solver: Solver) -> list[int]:
        at: list[int] = []
        solver.add_listener(lambda event: at.append(event.iter) if isinstance(event, TestDone) else None)
        solver.step(4)
        return at

    fields = dict(base_lr=0.01, max_iter=9, test_interval=2, snapshot_after_train=False, seed=1)
    first = Solver(net(), test=net(), **fields)
    assert tested(first) == [2]
    assert tested(Solver(net(), test=net(), test_initialization=True, **fields)) == [0, 2]
    assert tested(Solver(net(), test=net(), weights=first.net.to_proto(), **fields)) == [0, 2]  # it has some
    assert tested(Solver(first.param, seed=1)) == [0, 2]  # as Caffe does with such a file
    assert tested(with_tests(test_interval=2)) == [0, 2]


def test_a_set_to_test_with_is_read_by_the_net_itself(tmp_path: Path) -> None:
    """One net is written, not two."""
    images = np.zeros((12, 6, 6), np.uint8)
    train, other = (from_arrays(tmp_path / name, images, np.arange(12) % 2) for name in ("train", "other"))
    n = NetSpec("one")
    transform = dict(mirror=True, scale=0.5)
    n.data, n.label = L.Data(
        source=train, batch_size=4, transform_param=transform, include=dict(phase="TRAIN"), ntop=2
    )
    n.score = L.InnerProduct(n.data, num_output=2, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label, include=dict(phase="TEST"))
    solver = Solver(n, test=other, base_lr=0.01, max_iter=2, test_interval=1)
    assert solver.test_iterations == [3]
    assert set(solver.test()) == {"accuracy", "loss"}
    layers = [net.layers[0].param for net in (solver.net, solver.test_nets[0])]
    assert [layer.data_param.source for layer in layers] == [train, other]
    assert [layer.transform_param.mirror for layer in layers] == [True, False]
    assert [layer.transform_param.scale for layer in layers] == [0.5, 0.5]
    with pytest.raises(TrainingError, match="has no Data layers"):
        make_solver(test=other, test_interval=1)
