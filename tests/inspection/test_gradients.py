"""check_gradients finds what is broken, and nothing else: for a layer, for a net, and in what it shows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit import L, NetSpec, P
from owlkit.core.errors import NetError
from owlkit.inspection.gradcheck import sampling
from owlkit.inspection.gradcheck.report import GradientError, GradientReport
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs
from tests.support import broken, gradient
from tests.support.one_layer import OneLayer

RNG = np.random.default_rng(5)
A = RNG.standard_normal((6, 4))
B = RNG.standard_normal((6, 4))
XAVIER = {"type": "xavier"}


def larger(cls: type[broken.Larger], monkeypatch: pytest.MonkeyPatch, *, tied: bool = False) -> OneLayer:
    """One of the layers of tests/support/broken.py; `tied`: with one place where both bottoms are equal."""
    monkeypatch.setitem(LAYERS, "Larger", cls)
    a, b = A.copy(), B.copy()
    if tied:
        a[2, 1] = b[2, 1]
    net = OneLayer('type: "Larger"', a, b, dtype="float64")
    net.layer.blobs[0].data[...] = [0.5, 1.0, -1.5, 2.0]
    return net


def small_net() -> NetSpec:
    """A bit of everything: ReLU in place, overlapping pooling, dropout, batch normalisation, two readers."""
    n = NetSpec("small")
    n.data = L.Input(shape={"dim": [3, 2, 9, 9]})
    n.label = L.Input(shape={"dim": [3]})
    n.conv = L.Convolution(n.data, kernel_size=3, num_output=4, weight_filler=XAVIER)
    n.norm = L.BatchNorm(n.conv, in_place=True)
    n.scale = L.Scale(n.norm, in_place=True, bias_term=True)
    n.relu = L.ReLU(n.scale, in_place=True)
    n.pool = L.Pooling(n.relu, kernel_size=3, stride=2, pool=P.Pooling.MAX)
    n.drop = L.Dropout(n.pool)
    n.ip = L.InnerProduct(n.drop, num_output=5, weight_filler=XAVIER)
    n.tanh = L.TanH(n.ip)
    n.both = L.Eltwise(n.ip, n.tanh)
    n.loss = L.SoftmaxWithLoss(n.both, n.label)
    n.accuracy = L.Accuracy(n.both, n.label)
    return n


class HalfTanH(TanH):
    """Forgets the inner derivative where the result is negative."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        negative = top[0].data < 0
        bottom[0].diff[negative] = top[0].diff[negative]


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


# -- whole nets
def test_a_net_passes_and_stays_as_it_is() -> None:
    net = owlkit.Net(small_net(), phase="train", seed=1)
    net.blobs["data"].data[...] = RNG.standard_normal((3, 2, 9, 9))
    net.blobs["label"].data[...] = [0, 4, 2]
    net.forward_backward()
    before = {name: (b.data.copy(), b.diff.copy()) for name, b in net.blobs.items()}
    weights = {name: [b.data.copy() for b in blobs] for name, blobs in net.params.items()}
    state = net.state()
    report = owlkit.check_gradients(net).raise_if_wrong()
    assert {row.layer for row in report.rows} >= {"conv", "norm", "scale", "relu", "pool", "drop", "ip"}
    assert len(report.loss) == 4
    assert report.skipped == ["accuracy"]
    assert not report.remarks
    for name, (data, diff) in before.items():
        np.testing.assert_array_equal(net.blobs[name].data, data)
        np.testing.assert_array_equal(net.blobs[name].diff, diff)
    for name, arrays in weights.items():
        for blob, array in zip(net.params[name], arrays, strict=True):
            np.testing.assert_array_equal(blob.data, array)
    assert net.state() == state


def test_a_net_names_its_wrong_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", HalfTanH)
    report = owlkit.check_gradients(small_net())
    assert report.wrong_layers == ["tanh"]
    assert report.loss_is_wrong
    assert not report.ok
    assert "data held only zeros: filled with random numbers" in report.remarks
    with pytest.raises(GradientError, match=r"tanh \(TanH\): bottom 0\[.*backward gives"):
        report.raise_if_wrong()


def test_a_layer_that_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raises(TanH):
        def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
            raise IndexError("no such row")

    monkeypatch.setitem(LAYERS, "TanH", Raises)
    report = owlkit.check_gradients(small_net(), layers=["tanh", "pool"])
    assert report.wrong_layers == ["tanh"]
    assert "raised IndexError: no such row" in repr(report)


def test_only_the_layers_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    report = owlkit.check_gradients(small_net(), layers=["pool"])
    assert {row.layer for row in report.rows} == {"pool"}
    assert not report.loss
    with pytest.raises(NetError, match="did you mean 'pool'"):
        owlkit.check_gradients(small_net(), layers=["poll"])
    with pytest.raises(NetError, match="no input 'dat'"):
        owlkit.check_gradients(small_net(), inputs={"dat": 1})


def test_data_layers_keep_their_position() -> None:
    n = NetSpec("given")
    n.data = L.DummyData(shape={"dim": [4, 3]}, data_filler={"type": "gaussian"})
    n.ip = L.InnerProduct(n.data, num_output=2, weight_filler=XAVIER)
    n.loss = L.Reduction(n.ip, loss_weight=1) if "Reduction" in LAYERS else L.EuclideanLoss(n.ip, n.ip)
    net = owlkit.Net(n, phase="train", seed=1)
    state = net.state()
    assert owlkit.check_gradients(net).ok
    assert net.state() == state


def test_an_input_that_is_overwritten_in_place_is_given_anew() -> None:
    n = NetSpec("in place")
    n.data = L.Input(shape={"dim": [4, 3]})
    n.power = L.Scale(n.data, in_place=True, filler={"type": "constant", "value": 2})
    n.ip = L.InnerProduct(n.power, num_output=2, weight_filler=XAVIER)
    n.label = L.Input(shape={"dim": [4]})
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    x = RNG.standard_normal((4, 3))
    report = owlkit.check_gradients(n, inputs={"data": x}).raise_if_wrong()
    first = next(row for row in report.rows if row.layer == "power")
    np.testing.assert_array_equal(first.values, x)


def test_layers_with_a_stage_survive_the_rebuilding() -> None:
    n = small_net().to_proto()
    next(layer for layer in n.layer if layer.name == "tanh").include.add(stage=["deep"])
    net = owlkit.Net(n, phase="train", stages=["deep"], seed=1)
    assert owlkit.check_gradients(net, layers=["tanh"]).ok


# -- Ctrl-C, and what is shown
def test_interrupting_returns_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(10**6))

    def choose_until_stopped(*args: object) -> sampling.Sample:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    real = sampling.choose
    monkeypatch.setattr(sampling, "choose", choose_until_stopped)
    report = owlkit.check_gradients(small_net())
    assert report.interrupted
    assert report.rows
    assert report.ok
    assert "interrupted" in repr(report)


def test_interrupting_amid_elements_calls_nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stops(TanH):
        passes = 0

        def forward(self, bottom: Blobs, top: Blobs) -> None:
            Stops.passes += 1
            if Stops.passes == 60:
                raise KeyboardInterrupt
            super().forward(bottom, top)

    layer = Stops(OneLayer('type: "TanH"', (2, 2)).param, "train")
    report = owlkit.check_gradients(layer, [(10, 10)])
    (row,) = report.rows
    assert report.interrupted
    assert 0 < row.done < 100
    assert row.verdict == "passes"


def report_with_everything(monkeypatch: pytest.MonkeyPatch) -> GradientReport:
    monkeypatch.setitem(LAYERS, "TanH", HalfTanH)
    return owlkit.check_gradients(small_net())


def test_the_table_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_with_everything(monkeypatch)
    text, page = repr(report), report._repr_html_()
    assert "gradients of small: wrong: tanh" in text
    assert "✕ wrong" in text
    assert "✓ passes" in text
    assert "backward gives" in text
    assert "<table>" in page
    assert "tanh (TanH): bottom 0[" in page


def test_the_figure_has_a_row_per_blob(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_with_everything(monkeypatch)
    figure = report.plot()
    maps = [axis for axis in figure.axes if axis.images]
    assert len(maps) == len([row for row in report.rows if row.done])
    assert len([a for a in report.plot(["tanh"]).axes if a.images]) == 1
    with pytest.raises(NetError, match="nothing to draw"):
        report.plot(["no such layer"])


def test_progress_is_one_line_of_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("QUIET_SECONDS", "INTERVAL_SECONDS"):
        monkeypatch.setattr(f"owlkit.core.progress.{name}", 0.0)
    owlkit.check_gradients(small_net())
    assert capsys.readouterr().out == ""  # neither terminal nor notebook: a file, where it would stay
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    owlkit.check_gradients(small_net())
    told = capsys.readouterr().out
    assert "checking conv (" in told
    assert told.endswith("\r")
    owlkit.check_gradients(small_net(), progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("output", [None, SimpleNamespace(write=len, flush=int)], ids=["none", "one's own"])
def test_progress_needs_no_terminal_to_ask(monkeypatch: pytest.MonkeyPatch, output: Any) -> None:
    """A daemon has no standard output; a class that copies it to a log often has `write` and `flush` only."""
    monkeypatch.setattr(sys, "stdout", output)
    assert owlkit.check_gradients(small_net()).ok


def test_a_layer_needs_its_bottoms() -> None:
    with pytest.raises(TypeError, match="give an array or a shape for each bottom"):
        owlkit.check_gradients(OneLayer('type: "TanH"', (2, 2)).layer)


def test_layers_without_values_are_passed_over() -> None:
    n = NetSpec("empty")
    n.data = L.Input(shape={"dim": [0, 3]})
    n.ip = L.InnerProduct(n.data, num_output=2, weight_filler=XAVIER)
    assert owlkit.check_gradients(owlkit.Net(n, phase="train")).rows == []
