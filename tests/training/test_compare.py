"""Runs found by name, by number and from logs, and what is shown of them."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core import frontends
from owlkit.core.errors import TrainingError
from owlkit.training.logged import LoggedRun
from owlkit.training.registry import find, find_all
from tests.training.small import make_solver, with_tests

LOG = """I0210 13:39:22.000000 25210 solver.cpp:347] Solving small
I0210 13:39:22.100000 25210 solver.cpp:404] Iteration 0, Testing net (#0)
I0210 13:39:22.200000 25210 solver.cpp:450]     Test net output #0: accuracy = 0.25
I0210 13:39:22.300000 25210 solver.cpp:450]     Test net output #1: loss = 1.5 (* 1 = 1.5 loss)
I0210 13:39:23.000000 25210 solver.cpp:218] Iteration 0 (0 iter/s, 1s/20 iters), loss = 1.4
I0210 13:39:23.000000 25210 solver.cpp:237]     Train net output #0: loss = 1.375 (* 1 = 1.375 loss)
I0210 13:39:23.000000 25210 sgd_solver.cpp:105] Iteration 0, lr = 0.01
I0210 13:39:25.000000 25210 solver.cpp:218] Iteration 20 (10 iter/s, 2s/20 iters), loss = 0.75
I0210 13:39:25.000000 25210 solver.cpp:237]     Train net output #0: loss = 0.5 (* 1 = 0.5 loss)
I0210 13:39:25.000000 25210 sgd_solver.cpp:105] Iteration 20, lr = 0.001
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "caffe.log"
    path.write_text(LOG)
    return path


def trained(name: str) -> owlkit.Run:
    run = owlkit.train(with_tests(), name=name, monitor=False)
    run.wait()
    return run


def test_runs_are_numbered_and_listed_as_long_as_they_are_held() -> None:
    first, second = owlkit.Run(make_solver(), "one"), owlkit.Run(make_solver(), "two")
    assert second.number > first.number
    listed = owlkit.runs()
    assert listed.index(first) < listed.index(second)
    number = first.number
    del first, listed
    gc.collect()
    assert number not in [run.number for run in owlkit.runs()]


def test_the_newest_run_of_a_name_is_found_but_never_the_one_that_asks() -> None:
    old, new = owlkit.Run(make_solver(), "same name"), owlkit.Run(make_solver(), "same name")
    assert find("same name") is new
    assert find("same name", but=new) is old
    assert find_all([old, "same name"]) == [old, new]
    assert find_all(None) == []
    assert find_all("same name") == [new]


def test_an_unknown_name_is_told_with_the_closest() -> None:
    held = owlkit.Run(make_solver(), "caffenet-bn")
    with pytest.raises(TrainingError, match=r"no other run named 'cafenet-bn' .*did you mean 'caffenet-bn'"):
        find("cafenet-bn")
    with pytest.raises(TypeError, match="found int, expected a run, its name, or the path of a log"):
        find(3)
    assert held.state == "ready"


def test_a_log_of_caffe_is_a_run_that_can_be_compared(log: Path) -> None:
    run = find(log)
    assert isinstance(run, LoggedRun)
    assert (run.name, run.iter, run.state) == ("caffe", 20, "finished")
    columns = run.history.columns()
    assert columns["iter"].tolist() == [0, 20]
    assert columns["loss"].tolist() == [1.375, 0.5], "of the iteration, not the displayed mean"
    np.testing.assert_allclose(columns["lr"], [0.01, 0.001])
    np.testing.assert_allclose(columns["seconds"], [1, 2])
    assert [test.outputs["accuracy"] for test in run.history.tests] == [0.25]


class Display:
    """Stands for the live monitor."""

    def __init__(self) -> None:
        self.shown: list[tuple[Any, dict[str, Any]]] = []

    def display(self, run: Any, **options: Any) -> bool:
        self.shown.append((run, options))
        return True


def test_what_is_compared_reaches_the_front_end(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    display = Display()
    monkeypatch.setattr(frontends, "find", lambda: display)
    a, b = trained("a"), trained("b")
    a.monitor()
    a.monitor(compare="b")
    owlkit.monitor("a", b, log)
    assert display.shown[0] == (a, {})
    assert display.shown[1] == (a, {"compare": (b,)})
    shown, options = display.shown[2]
    assert shown is a
    assert [type(run).__name__ for run in options["compare"]] == ["Run", "LoggedRun"]
    with pytest.raises(TrainingError, match="4 runs at most; a is compared with b, c, d, e"):
        owlkit.monitor(a, b, *(owlkit.Run(make_solver(), name) for name in "cde"))


def test_without_a_front_end_text_says_what_there_is(capsys: pytest.CaptureFixture[str], log: Path) -> None:
    run = trained("told")
    owlkit.monitor(run, log)
    said = capsys.readouterr().out
    assert "Run('told', finished" in said
    assert "a notebook draws it): LoggedRun('caffe', 20 iterations, 1 tests)" in said
