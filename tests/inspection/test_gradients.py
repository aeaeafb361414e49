"""check_gradients finds what is broken in a layer, and nothing else; kinks are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import owlkit
from owlkit import L, NetSpec
from owlkit.inspection.gradcheck.report import GradientError
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs
from tests.inspection.checked_nets import A, B, larger
from tests.support import broken, gradient
from tests.support.one_layer import OneLayer

RNG = np.random.default_rng(5)


# -- broken layers
def test_the_right_layer_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    gradient.check_gradients(larger(broken.Larger, monkeypatch))
    tied = gradient.report_on(larger(broken.Larger, monkeypatch, tied=True))
    assert [row.kinks for row in tied.rows] == [1, 1, 1]
    assert tied.ok


@pytest.mark.parametrize("cls", broken.BROKEN, ids=lambda cls: cls.__name__)
def test_a_broken_layer_is_caught(cls: type[broken.Larger], monkeypatch: pytest.MonkeyPatch) -> None:
    net = larger(cls, monkeypatch, tied=cls is broken.BothWinTies)
    with pytest.raises(AssertionError, match=broken.BROKEN[cls]):
        gradient.check_gradients(net)


@pytest.mark.parametrize("cls", broken.BROKEN, ids=lambda cls: cls.__name__)
def test_a_broken_layer_of_a_net_is_named(cls: type[broken.Larger], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "Larger", cls)
    net = owlkit.Net(_definition_around_larger(), phase="train", seed=2)
    net.params["larger"][0].data[...] = 1.0
    net.blobs["data"].data[...] = A
    net.params["ip"][0].data[...] = np.eye(4)
    net.params["ip"][1].data[...] = [0, 1, 0, -1]  # a tie wherever a bias is 0
    report = owlkit.check_gradients(net, inputs={"data": A})
    assert report.wrong_layers == ["larger"]
    with pytest.raises(GradientError, match=broken.BROKEN[cls]):
        report.raise_if_wrong()


def test_a_right_gradient_that_nobody_asked_for_is_no_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caffe's contract is broken, so the check fails; the row says that, and not that 24 of 24 are wrong."""
    report = gradient.report_on(larger(broken.IgnoresPropagateDown, monkeypatch))
    bottoms = [row for row in report.rows if not row.slot.learned]
    assert [row.verdict for row in bottoms] == ["unasked", "unasked"]
    assert (report.wrong, report.unasked) == ([], bottoms)
    assert not report.ok
    assert "all are right, but written unasked" in report.title
    assert "! unasked" in repr(report)
    assert "wrong" not in repr(report), "the table and what it comes to say the same"
    assert "if propagate_down[1]:" in report.explain()[1]
    with pytest.raises(GradientError, match="right, but written although propagate_down is false"):
        report.raise_if_wrong()
    report.plot()


def test_a_wrong_gradient_that_nobody_asked_for_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    class Both(broken.IgnoresPropagateDown):
        def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
            super().backward(top, propagate_down, bottom)
            bottom[0].diff[...] *= 2

    report = gradient.report_on(larger(Both, monkeypatch))
    assert [row.verdict for row in report.rows if not row.slot.learned] == ["wrong", "unasked"]
    assert "right" not in " ".join(report.rows[0].explain())
    assert "wrong: l; written unasked: l" in report.title


def _definition_around_larger() -> object:
    n = NetSpec("around")
    n.data = L.Input(shape={"dim": list(A.shape)})
    n.label = L.Input(shape={"dim": [6]})
    n.ip = L.InnerProduct(n.data, num_output=4)
    n.larger = L.TanH(n.data)
    n.loss = L.SoftmaxWithLoss(n.larger, n.label)
    definition = n.to_proto()
    layer = next(layer for layer in definition.layer if layer.name == "larger")
    layer.type = "Larger"
    layer.bottom.append("ip")
    return definition


def test_which_of_equal_elements_gets_the_gradient_is_an_expectation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both choices are slopes of a maximum, so that only Caffe's own choice can decide."""
    for cls, first in ((broken.Larger, True), (broken.OtherWinsTies, False)):
        monkeypatch.setitem(LAYERS, "Larger", cls)
        net = OneLayer('type: "Larger"', [[1.0, 2.0]], [[1.0, 3.0]], dtype="float64")
        net.layer.blobs[0].data[...] = 1
        if first:
            gradient.check_ties(net, [[1, 0]], [[0, 1]])
        else:
            with pytest.raises(AssertionError, match="another one of equal elements"):
                gradient.check_ties(net, [[1, 0]], [[0, 1]])


def test_a_gradient_that_vanishes_is_told() -> None:
    with pytest.raises(AssertionError, match="only 0% of the gradient"):
        gradient.check("passes", 'type: "ReLU"', -np.ones((3, 4)))


def test_a_mistake_in_one_element_of_many_is_found_along_a_direction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OneWrong(TanH):
        def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
            super().backward(top, propagate_down, bottom)
            bottom[0].diff[37, 11] *= 1.5

    layer = OneWrong(OneLayer('type: "TanH"', (2, 2)).param, "train")
    report = owlkit.check_gradients(layer, [(60, 50)], elements=5)
    (row,) = report.wrong
    assert row.worst is not None
    assert row.worst.index == (37, 11)
    assert row.worst.analytic == pytest.approx(1.5 * row.worst.numeric)
    assert row.wrong_directions


def test_what_is_wrong_in_caffe_too_is_known_and_excused() -> None:
    shape = (2, 3, 4, 4)
    report = gradient.check("known", 'type: "MVN" mvn_param { eps: 1 }', shape)
    assert report.ok
    assert "leaves eps out" in report.explain()[0]
    gradient.check("passes", 'type: "MVN"', shape)
    with pytest.raises(AssertionError, match="expected a blob that is known"):
        gradient.check("known", 'type: "MVN"', shape)


# -- kinks
def test_kinks_are_counted_apart() -> None:
    layer = OneLayer('type: "ReLU" relu_param { negative_slope: 0.3 }', (1,)).layer
    report = owlkit.check_gradients(layer, [np.array([[0.0, 1e-6, -1e-6], [1.0, -1.0, 0.0]])])
    (row,) = report.rows
    assert row.kink.tolist() == [True, False, False, False, False, True]
    assert row.verdict == "passes"


def test_ties_of_pooling_are_kinks_and_their_sum_is_checked() -> None:
    x = np.zeros((2, 3, 6, 6))
    x[0] = np.maximum(RNG.standard_normal((3, 6, 6)), 0)
    layer = OneLayer('type: "Pooling" pooling_param { kernel_size: 3 stride: 2 }', x.shape).layer
    report = owlkit.check_gradients(layer, [x])
    assert report.ok
    assert report.rows[0].kinks


def test_ties_up_to_rounding_are_ties() -> None:
    """Sums of the same numbers in another order differ in the last digit, as in a uniform background."""
    x = np.full((1, 1, 40, 40), 0.7) + RNG.choice([0.0, 1.1e-16, 2.2e-16], (1, 1, 40, 40))
    layer = OneLayer('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }', x.shape).layer
    report = owlkit.check_gradients(layer, [x])
    assert report.ok
    assert report.rows[0].directions


def test_a_kink_just_inside_the_smallest_step_is_no_mistake() -> None:
    layer = OneLayer('type: "ReLU"', (1,)).layer
    near = np.array([9.5e-6, 9.5e-7, 9.5e-8, 9.5e-9, -9.5e-8, 1.0, -1.0])
    assert owlkit.check_gradients(layer, [near]).ok


def test_only_kinks_is_a_verdict_of_its_own() -> None:
    layer = OneLayer('type: "ReLU"', (1,)).layer
    assert owlkit.check_gradients(layer, [np.zeros((2, 2))]).rows[0].verdict == "kinks"


def test_a_wrong_slope_at_a_kink_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    class Steep(broken.Larger):
        def write_b(self, b: object, dy: np.ndarray) -> None:
            super().write_b(b, dy)  # type: ignore[arg-type]
            b.diff[self.wins & (b.data == self.tied)] = 7.0  # type: ignore[attr-defined]

    net = larger(Steep, monkeypatch, tied=True)
    net.layer.tied = B[2, 1]  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="moved together"):
        gradient.check_gradients(net)


def test_a_layer_needs_its_bottoms() -> None:
    with pytest.raises(TypeError, match="give an array or a shape for each bottom"):
        owlkit.check_gradients(OneLayer('type: "TanH"', (2, 2)).layer)
