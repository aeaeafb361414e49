"""Losses that look wrong are remarked, and those that only seem to are not."""

from __future__ import annotations

from typing import Any

import pytest

from owlkit.core import events
from owlkit.proto import caffe_pb2
from owlkit.solvers import Solver
from tests.training.small import make_solver, net_param


def listen(solver: Solver) -> list[Any]:
    seen: list[Any] = []
    solver.add_listener(seen.append)
    return seen


def warned_of(seen: list[Any]) -> list[str]:
    return [event.message for event in seen if isinstance(event, events.Warned)]


def test_an_odd_first_loss_is_remarked() -> None:
    solver = make_solver()
    seen = listen(solver)
    solver.net.params["ip2"][1].data[...] = [50, 0, 50]
    solver.step(2)
    (message,) = warned_of(seen)
    assert "ln(3 classes) = 1.099 is usual" in message


def test_a_usual_first_loss_is_not() -> None:
    solver = make_solver()
    seen = listen(solver)
    solver.step(2)
    assert not warned_of(seen)


def sticking(loss: float, steps: int, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> list[str]:
    """What is remarked of a training whose every loss is `loss`; fields of its loss layer."""
    definition = net_param()
    layer = definition.layer[-1]
    for name, value in fields.items():
        if name == "loss_weight":
            layer.loss_weight.append(value)
        else:
            setattr(layer.loss_param, name, value)
    solver = Solver(definition, base_lr=0.01, seed=3, snapshot_after_train=False)
    seen = listen(solver)
    monkeypatch.setattr(solver.net, "forward_backward", lambda: loss)
    solver.step(steps)
    return [message for message in warned_of(seen) if "sticks" in message]


def test_a_loss_that_sticks_where_softmax_ends_is_remarked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = make_solver(base_lr=1e-9)
    seen = listen(solver)
    solver.net.params["ip2"][1].data[...] = [500, 0, 0]  # labels are 1
    solver.step(12)
    message = warned_of(seen)[-1]
    assert "every label gets a probability of 0" in message
    assert "lower base_lr" in message
    assert len([each for each in warned_of(seen) if "sticks" in each]) == 1
    assert len(sticking(43.66827, 30, monkeypatch, loss_weight=0.5)) == 1


def test_one_such_loss_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of one image, or of one class, may have it by chance."""
    assert sticking(87.33655, 4, monkeypatch) == []


def test_nor_does_it_where_the_loss_is_no_mean_over_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    none = caffe_pb2.LossParameter.NONE
    assert sticking(87.33655, 30, monkeypatch, normalization=none) == []
    assert sticking(87.33655, 30, monkeypatch, loss_weight=2.0) == []


def test_a_first_loss_that_is_a_sum_is_not_called_odd() -> None:
    definition = net_param()
    definition.layer[-1].loss_param.normalization = caffe_pb2.LossParameter.NONE
    solver = Solver(definition, base_lr=0.01, seed=3, snapshot_after_train=False)
    seen = listen(solver)
    solver.step(2)
    assert solver.smoothed_loss > 5
    assert not warned_of(seen)
