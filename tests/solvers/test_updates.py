"""Updates: nothing is allocated, the factors of clipping and iter_size, what is left in the gradients."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from owlkit.core.memory import allocate
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.update import SLOTS
from owlkit.net.parameters import ArenaGroup
from owlkit.proto import caffe_pb2
from owlkit.solvers.rules import make_rule
from tests.training.small import make_solver, parameters

COUNT = 400_000


class Group:
    """Stands for a net with one group of COUNT parameters."""

    def __init__(self, dtype: str, device: Any) -> None:
        tensors = [Tensor(Descriptor((COUNT,), dtype)) for _ in range(2)]
        for tensor in tensors:
            tensor.flat[...] = np.random.default_rng(0).standard_normal(COUNT)
        self.arena, self.device = [ArenaGroup(1.0, 1.0, *tensors, [], [])], device
        self.learnable: list[Any] = []
        self.captures = self.loss_scale = None


def solver_param(rule: str, **fields: Any) -> Any:
    momentum = {} if rule in ("AdaGrad", "RMSProp") else {"momentum": 0.9}
    return caffe_pb2.SolverParameter(type=rule, weight_decay=1e-3, **momentum, **fields)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("regularization", ["L1", "L2"])
@pytest.mark.parametrize("rule", list(SLOTS))
def test_an_update_allocates_nothing(rule: str, regularization: str, dtype: str) -> None:
    """float64 is NumPy's, float32 oneDNN's where it is there; 64 KiB are a small part of one chunk."""
    bound = make_rule(
        solver_param(rule, regularization_type=regularization), Group(dtype, make_solver().net.device)
    )
    bound.apply(0.01, 0.5, 0)
    tracemalloc.start()
    try:
        for iteration in range(1, 4):
            bound.apply(0.01, 0.5, iteration)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 16


def test_the_measurement_sees_an_array() -> None:
    tracemalloc.start()
    try:
        allocate(4 * COUNT)
        assert tracemalloc.get_traced_memory()[1] > 1 << 16
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rule", list(SLOTS))
def test_the_step_is_left_in_the_gradients_with_the_same_bits(rule: str) -> None:
    """What pycaffe's users see after a step does not change the training."""
    fields = {} if rule in ("AdaGrad", "RMSProp") else {"momentum": 0.9}
    plain, seen = (
        make_solver(**{"momentum": 0, "type": rule, "weight_decay": 0.01, **fields}) for _ in range(2)
    )
    seen.rule.leaves_update = True
    for _ in range(3):
        before = [p.blob.data.copy() for p in seen.net.learnable]
        plain.step(1)
        seen.step(1)
        for parameter, old in zip(seen.net.learnable, before, strict=True):
            assert (old - parameter.blob.diff == parameter.blob.data).all()
    assert parameters(seen) == parameters(plain)


@pytest.mark.parametrize("regularization", ["L1", "L2"])
@pytest.mark.parametrize("rule", list(SLOTS))
def test_gradients_are_scaled_before_the_decay_is_added(rule: str, regularization: str) -> None:
    """iter_size and clipping are one factor of the gradients; the decay is not divided: Caffe's order."""
    device = make_solver().net.device
    param = solver_param(rule, regularization_type=regularization)
    halved, scaled = (make_rule(param, Group("float64", device)) for _ in range(2))
    halved.groups[0].diff.flat[...] *= 0.25
    halved.apply(0.01, 1.0, 0)
    scaled.apply(0.01, 0.25, 0)
    np.testing.assert_allclose(scaled.groups[0].data.flat, halved.groups[0].data.flat, rtol=1e-13)


def test_a_sign_of_zero_is_zero() -> None:
    """L1 leaves weights that are exactly 0 where they are, and draws others towards 0 by equal steps."""
    group = Group("float32", make_solver().net.device)
    data, diff = group.arena[0].data.flat, group.arena[0].diff.flat
    data[...], diff[...] = 0, 0
    data[:4] = [1, -1, 1e-30, -1e-30]
    bound = make_rule(caffe_pb2.SolverParameter(weight_decay=0.5, regularization_type="L1"), group)
    bound.apply(0.5, 1.0, 0)
    np.testing.assert_array_equal(data[:6], np.array([0.75, -0.75, -0.25, 0.25, 0, 0], np.float32))
