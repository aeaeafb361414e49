"""Updates done by hand, and functions called in each iteration."""

from __future__ import annotations

import numpy as np
import pytest

from owlkit import L, NetSpec, Solver

RULES = {
    "SGD": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9},
    "AdaGrad": {},
    "RMSProp": {"rms_decay": 0.9},
    "AdaDelta": {"momentum": 0.9, "delta": 1e-6},
    "Adam": {"momentum": 0.9},
}


def solver(kind: str = "SGD", **fields: object) -> Solver:
    n = NetSpec()
    n.data = L.DummyData(shape=dict(dim=[4, 5]), data_filler=dict(type="constant", value=0.5))
    n.target = L.DummyData(shape=dict(dim=[4, 3]), data_filler=dict(type="constant", value=1))
    n.ip = L.InnerProduct(n.data, num_output=3, weight_filler=dict(type="xavier"))
    n.loss = L.EuclideanLoss(n.ip, n.target)
    return Solver(n, type=kind, base_lr=0.1, seed=3, **{**RULES[kind], **fields})


def parameters(of: Solver) -> list[np.ndarray]:
    return [parameter.blob.data.copy() for parameter in of.net.learnable]


@pytest.mark.parametrize("kind", RULES)
def test_a_loop_by_hand_is_a_step(kind: str) -> None:
    stepped, by_hand = solver(kind), solver(kind)
    stepped.step(3)
    for _ in range(3):
        by_hand.net.clear_param_diffs()
        by_hand.net.forward()
        by_hand.net.backward()
        by_hand.apply_update()
    assert by_hand.iter == 3
    for one, two in zip(parameters(stepped), parameters(by_hand), strict=True):
        np.testing.assert_array_equal(one, two)


def test_cleared_gradients_count_as_zeros() -> None:
    made = solver(momentum=0)
    before = parameters(made)
    made.net.learnable[0].blob.diff[...] = 5
    made.net.clear_param_diffs()
    made.apply_update()
    for one, two in zip(before, parameters(made), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_may_leave_what_it_subtracted(kind: str) -> None:
    made = solver(kind, weight_decay=0.01)
    made.step(1)
    made.rule.leaves_update = True
    before = parameters(made)
    made.step(1)
    for old, parameter in zip(before, made.net.learnable, strict=True):
        assert parameter.blob.diff.any()
        np.testing.assert_allclose(old - parameter.blob.data, parameter.blob.diff, rtol=1e-3, atol=1e-7)


def test_callbacks_stand_before_the_passes_and_before_the_update() -> None:
    made = solver(iter_size=2)
    told: list[tuple[str, int, bool]] = []

    def look(moment: str) -> None:
        told.append((moment, made.iter, bool(made.net.learnable[0].blob.diff.any())))

    made.add_callback(lambda: look("start"), lambda: look("ready"))
    made.step(2)
    assert told == [("start", 0, False), ("ready", 0, True), ("start", 1, False), ("ready", 1, True)]


def test_a_callback_that_fails_ends_the_step_before_the_update() -> None:
    made = solver()
    before = parameters(made)
    made.add_callback(lambda: None, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made.step(1)
    assert made.iter == 0
    np.testing.assert_array_equal(parameters(made)[0], before[0])
