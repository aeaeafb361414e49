"""check_gradients on a layer that no net holds, and on nets with a layer that cannot run backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit import L, NetSpec, P
from owlkit.core.errors import NetError
from owlkit.layers.base import NAMED


class Half(owlkit.PythonLayer):
    """y = x / 2 in forward, y = x in backward."""

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data / 2

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff


class Sign(owlkit.PythonLayer):
    """Without backward."""

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = np.sign(bottom[0].data)


@pytest.fixture(autouse=True)
def _types() -> Iterator[None]:
    owlkit.layer(Half)
    owlkit.layer(Sign)
    yield
    del NAMED["Half"], NAMED["Sign"]


def test_a_call_of_l() -> None:
    """Weights without a filler are not left at 0, where the bottom's gradient is right whatever it does."""
    report = owlkit.check_gradients(L.InnerProduct(num_output=3), [(2, 4)])
    assert report.ok
    assert [(row.slot.label, row.shape) for row in report.rows] == [
        ("bottom0", (2, 4)),
        ("blobs[0]", (3, 4)),
        ("blobs[1]", (3,)),
    ]
    assert all(np.all(row.analytic != 0) for row in report.rows)


def test_values_that_almost_tie_do_not_make_a_direction_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest step of one element leaves the tie behind; of two that move apart it does not."""
    # In a blob of a million values one tie is too weak to be seen as a kink of the direction; here in any.
    monkeypatch.setattr("owlkit.inspection.gradcheck.compare.KINK", 0.5)
    x = np.random.default_rng(0).permutation(4 * 4 * 20 * 20).reshape(4, 4, 20, 20) / 6400 + 0.5
    for place in range(5):
        window = x[0, 0, 2 * place, :2]
        window[:] = x[0, 0, 2 * place : 2 * place + 2, :2].max() + np.array([0, 1.2e-9])
    max_pooling = L.Pooling(kernel_size=2, stride=2, pool=P.Pooling.MAX)
    for seed in range(3):
        report = owlkit.check_gradients(max_pooling, [x], seed=seed)
        (row,) = report.rows
        assert row.directions
        assert report.ok, row.directions


def test_several_bottoms_and_tops() -> None:
    labels = np.array([0, 1, 2, 1])
    assert owlkit.check_gradients(L.SoftmaxWithLoss(), [(4, 3), labels]).ok
    report = owlkit.check_gradients(L.LSTMUnit(ntop=2), [(1, 3, 2), (1, 3, 8), np.ones((1, 3))])
    assert report.ok
    assert len(report.rows) == 2


def test_a_type_of_ones_own() -> None:
    report = owlkit.check_gradients(L.Half(), [(2, 4)])
    assert report.wrong_layers == ["Half1"]
    assert report.again().wrong[0].worst is not None


@pytest.mark.parametrize("target", [Half, Half()])
def test_a_class_says_how_to_check_it(target: Any) -> None:
    with pytest.raises(TypeError, match=r"Half: decorate the class with @owlkit\.layer and give L\.Half\(\)"):
        owlkit.check_gradients(target, [(2, 4)])


def test_what_does_not_fit() -> None:
    with pytest.raises(TypeError, match="TanH: give an array or a shape for each bottom"):
        owlkit.check_gradients(L.TanH())
    with pytest.raises(NetError, match=r"expects \(4, 3\) as of 'bottom0'"):
        owlkit.check_gradients(L.Eltwise(), [(4, 3), (4, 2)])
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[2, 3]))
    n.y = L.TanH(n.x)
    for target in (n, owlkit.Net(n)):
        with pytest.raises(TypeError, match=r"of a net hold is given by inputs=\{name: array\}"):
            owlkit.check_gradients(target, [(2, 3)])


def test_a_layer_without_backward_leaves_the_rows_of_the_others() -> None:
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[3, 5]))
    n.a = L.InnerProduct(n.x, num_output=4, weight_filler=dict(type="xavier"))
    n.b = L.Sign(n.a)
    n.loss = L.Reduction(n.b, operation=P.Reduction.SUMSQ, loss_weight=1)
    report = owlkit.check_gradients(n)
    assert report.wrong_layers == ["b"]
    assert {row.layer for row in report.rows} == {"a", "b", "loss"}
    assert report.remarks[-1].startswith("the loss was not checked: NetError: b (Sign): Sign does not define")
