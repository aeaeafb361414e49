"""An error in a user's layer shows the user's own lines: where they called us, and where it went wrong."""

from __future__ import annotations

import bdb
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import owlkit
from owlkit import L, Net, NetSpec, Run, Solver
from owlkit.cli.main import main
from owlkit.core.tracebacks import told
from owlkit.layers.base import NAMED
from tests.training.small import make_solver


class Faulty:
    """Divides by zero in the method that `param_str` names."""

    param_str = ""

    def setup(self, bottom: Any, top: Any) -> None:
        self.maybe("setup")

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        self.maybe("forward")

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        self.maybe("backward")

    def maybe(self, method: str) -> None:
        if self.param_str == method:
            1 / 0


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    owlkit.layer(Faulty)
    yield
    del NAMED["Faulty"]


def faulty(method: str) -> NetSpec:
    n = NetSpec("faulty")
    n.data = L.DummyData(shape={"dim": [4, 6]})
    n.label = L.DummyData(shape={"dim": [4]})
    n.ip = L.InnerProduct(n.data, num_output=3)
    n.bad = L.Faulty(n.ip, python_param={"param_str": method})
    n.loss = L.SoftmaxWithLoss(n.bad, n.label)
    return n


def solver_of(method: str) -> Solver:
    return Solver(faulty(method), base_lr=0.1, max_iter=3, snapshot_after_train=False, device="cpu")


def both(net: Net) -> None:
    net.forward()
    net.backward()


def in_thread(solver: Solver) -> None:
    Run(solver).start().wait(timeout=60)


CALLS: list[tuple[str, Callable[[], Any]]] = [
    ("setup", lambda: Net(faulty("setup"), phase="train", device="cpu")),
    ("setup", lambda: solver_of("setup")),
    ("forward", lambda: Net(faulty("forward"), phase="train", device="cpu").forward()),
    ("forward", lambda: Net(faulty("forward"), phase="train", device="cpu").forward(end="bad")),
    ("backward", lambda: both(Net(faulty("backward"), phase="train", device="cpu"))),
    ("forward", lambda: solver_of("forward").step(2)),
    ("backward", lambda: solver_of("backward").solve()),
    ("forward", lambda: Run(solver_of("forward")).run()),
    ("backward", lambda: in_thread(solver_of("backward"))),
]


@pytest.mark.parametrize(("method", "call"), CALLS)
def test_few_frames_of_ours_stand_between_those_of_the_user(method: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        call()
    frames = traceback.extract_tb(caught.value.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(Path(owlkit.__file__).parent)]
    assert len(ours) <= 3
    assert [frame.name for frame in frames][-2:] == [method, "maybe"]
    assert frames[0].filename == __file__  # who called us
    assert f"in {method} of" in "".join(caught.value.__notes__)
    assert "'bad'" in "".join(caught.value.__notes__)


def test_a_run_that_nobody_waits_for_says_where_it_failed() -> None:
    """A monitor shows the reason alone."""
    run = Run(solver_of("forward")).start()
    assert run.wait_until("failed", timeout=60)
    reason = run.history.states[-1].reason
    assert reason.startswith("ZeroDivisionError: division by zero, in forward of layer 'bad' (Faulty), line ")
    assert "in maybe: 1 / 0" in reason


def test_it_stays_short_however_often_it_is_told() -> None:
    run = Run(solver_of("forward"))
    counts = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError) as caught:
            (run.wait if counts else run.run)()
        counts.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert counts[0] >= counts[1] == counts[2]


def test_code_of_the_user_between_two_calls_of_ours_stays() -> None:
    """A callback of a training that runs a net of its own, in which a layer fails."""
    other = Net(faulty("forward"), phase="train", device="cpu")

    def look_aside() -> None:
        other.forward()

    solver = make_solver()
    solver.add_callback(look_aside, lambda: None)
    with pytest.raises(ZeroDivisionError) as caught:
        solver.step(1)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:3] == ["step", "look_aside"]
    assert names[-2:] == ["forward", "maybe"]
    assert len(names) <= 6


@pytest.mark.parametrize(
    "call", [lambda: both(Net(faulty("forward"), phase="train")), lambda: in_thread(solver_of("forward"))]
)
def test_it_can_be_copied_and_sent_to_another_process(call: Callable[[], Any]) -> None:
    """As a pool of processes does, which said "cannot pickle 'traceback' object" in its place."""
    with pytest.raises(ZeroDivisionError) as caught:
        call()
    sent = pickle.loads(pickle.dumps(caught.value))
    assert sent.args == caught.value.args
    assert told(sent) == ""
    with pytest.raises(ZeroDivisionError):
        raise sent


def test_a_debugger_finds_the_frame_that_failed() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        solver_of("forward").step(1)
    stack, at = bdb.Bdb().get_stack(None, caught.value.__traceback__)
    assert stack[-1][0].f_code.co_name == "maybe"
    assert stack[-1][0].f_locals["method"] == "forward"
    assert at == len(stack) - 1


def test_an_error_of_ours_keeps_all_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = make_solver()

    def fail(*given: Any) -> None:
        raise ValueError("of ours")

    monkeypatch.setattr(solver.rule, "apply", fail)
    with pytest.raises(ValueError, match="of ours") as caught:
        solver.step(1)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert {"step", "_pass_and_update", "_update", "fail"} <= set(names)
    assert told(caught.value) == ""


MODULE = """
class Wrong:
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        top[0].data[...] = self.no_such_name
"""
NET = """name: "n"
layer { name: "data" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
layer { name: "bad" type: "Python" bottom: "ip" top: "bad" loss_weight: 1
        python_param { module: "wrong_layers" layer: "Wrong" } propagate_down: false }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2'


@pytest.mark.parametrize(
    ("module", "shown"),
    [
        (MODULE, ["line 8, in forward", "self.no_such_name", "AttributeError", "in forward of layer 'bad'"]),
        ("import os\nundefined\n", ["line 2, in <module>", "NameError", "importing module 'wrong_layers'"]),
    ],
)
def test_a_command_prints_the_users_own_lines(
    module: str,
    shown: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "wrong_layers.py").write_text(module)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "wrong_layers", raising=False)
    assert main(["train", "--solver", "solver.prototxt"]) == 1
    error = capsys.readouterr().err
    for words in shown:
        assert words in error
    assert "owlkit train: a Python layer failed" in error
    assert "owlkit/" not in error
    monkeypatch.delitem(sys.modules, "wrong_layers", raising=False)
    with pytest.raises((AttributeError, NameError)) as caught:
        main(["--debug", "train", "--solver", "solver.prototxt"])
    files = [Path(frame.filename) for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert any(file.match("owlkit/cli/train.py") for file in files)
    monkeypatch.delitem(sys.modules, "wrong_layers", raising=False)
