"""Learning-rate policies against their formulas, and the errors of incomplete ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import TrainingError
from owlkit.proto import caffe_pb2
from owlkit.solvers.policies import check_policy, current_step, learning_rate


def param(policy: str, **fields: Any) -> Any:
    return caffe_pb2.SolverParameter(lr_policy=policy, **{"base_lr": 0.1, **fields})


@pytest.mark.parametrize(
    ("solver", "iteration", "rate"),
    [
        (param("fixed"), 7, 0.1),
        (param("step", gamma=0.5, stepsize=4), 3, 0.1),
        (param("step", gamma=0.5, stepsize=4), 8, 0.025),
        (param("exp", gamma=0.9), 3, 0.1 * 0.9**3),
        (param("inv", gamma=0.1, power=0.75), 10, 0.1 * 2**-0.75),
        (param("multistep", gamma=0.5, stepvalue=[2, 5]), 1, 0.1),
        (param("multistep", gamma=0.5, stepvalue=[2, 5]), 2, 0.05),
        (param("multistep", gamma=0.5, stepvalue=[2, 5]), 9, 0.025),
        (param("poly", power=2, max_iter=10), 5, 0.025),
        (param("poly", power=0.5, max_iter=10), 11, 0.0),
        (param("sigmoid", gamma=-0.5, stepsize=4), 6, 0.1 / (1 + math.exp(1))),
    ],
)
def test_rate(solver: Any, iteration: int, rate: float) -> None:
    check_policy(solver)
    assert learning_rate(solver, iteration) == pytest.approx(rate, rel=1e-6)


def test_steps_done() -> None:
    assert current_step(param("step", gamma=0.5, stepsize=4), 9) == 2
    assert current_step(param("multistep", gamma=0.5, stepvalue=[2, 5]), 5) == 2
    assert current_step(param("fixed"), 100) == 0


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        (param("stpe", gamma=0.5, stepsize=4), "unknown lr_policy 'stpe'.*did you mean 'step'"),
        (param(""), "no lr_policy; choose one of fixed, step"),
        (param("step", stepsize=4), "needs gamma"),
        (param("step", gamma=0.1), "needs stepsize"),
        (param("step", gamma=0.1, stepsize=0), "needs stepsize"),
        (param("inv"), "needs gamma and power"),
        (param("multistep", gamma=0.1), "needs stepvalue"),
        (param("poly", power=1), "needs max_iter"),
        (caffe_pb2.SolverParameter(lr_policy="fixed"), "needs base_lr"),
    ],
)
def test_incomplete(solver: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        check_policy(solver)


@pytest.mark.parametrize("written", ["0.001", "0.01", "1e-05", "0.0125", "3.0"])
def test_a_rate_prints_as_it_was_written(written: str) -> None:
    rate = learning_rate(param("fixed", base_lr=float(written)), 0)
    assert f"{rate}" == str(rate) == repr(rate) == written
    assert float(rate).hex() == float(np.float32(written)).hex(), "its value is the solver file's, in float32"
