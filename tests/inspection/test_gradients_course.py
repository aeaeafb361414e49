"""A gradient check on its way: what is to come, who watches, pause and stop, one element looked at again."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit import L, NetSpec
from owlkit.core import frontends
from owlkit.core.errors import NetError
from owlkit.inspection.gradcheck.course import Course, Expected
from owlkit.inspection.gradcheck.pattern import describe
from owlkit.inspection.gradcheck.probe import Slot
from owlkit.inspection.gradcheck.report import GradientReport
from owlkit.inspection.gradcheck.result import BlobCheck
from owlkit.layers.activation import TanH
from owlkit.layers.base import LAYERS, Blobs

XAVIER = {"type": "xavier"}


def net() -> NetSpec:
    n = NetSpec("watched")
    n.data = L.Input(shape={"dim": [4, 6]})
    n.label = L.Input(shape={"dim": [4]})
    n.ip = L.InnerProduct(n.data, num_output=5, weight_filler=XAVIER)
    n.act = L.TanH(n.ip)
    n.loss = L.SoftmaxWithLoss(n.act, n.label)
    return n


class Twice(TanH):
    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[2:] *= 2


class OppositeWhereNegative(TanH):
    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[top[0].data < 0] *= -1


class Watcher:
    """Stands in for a notebook's front end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Any = None) -> None:
        self.seen: list[tuple[str, str, int]] = []
        self.report: GradientReport | None = None
        self.act = act
        monkeypatch.setattr(frontends, "find", lambda: self)

    def display(self, report: GradientReport) -> bool:
        self.report = report
        report.course.listeners.append(self.look)
        return True

    def look(self) -> None:
        assert self.report is not None
        course = self.report.course
        self.seen.append((course.state, course.doing, sum(row.done for row in self.report.rows)))
        if self.act:
            self.act(self.report, len(self.seen))


def test_a_watcher_sees_what_is_to_come_and_each_element(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher(monkeypatch)
    report = owlkit.check_gradients(net())
    assert watcher.report is report
    expected = [(e.layer, e.slot.label, e.number) for e in report.course.expected]
    learned = [("ip", "blobs[0]", 30), ("ip", "blobs[1]", 5)]
    assert expected == [("ip", "data", 24), *learned, ("act", "ip", 20), ("loss", "act", 20)]
    counts = [count for _, _, count in watcher.seen]
    assert counts == sorted(counts)
    assert set(range(100)) <= set(counts)
    assert watcher.seen[-1][0] == "done"
    assert [row.done for row in report.rows] == [24, 30, 5, 20, 20]
    assert report.course.passes > 150


def test_the_time_left_falls_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[float | None] = []
    Watcher(monkeypatch, lambda report, _: left.append(report.course.left(report.rows)))
    report = owlkit.check_gradients(net())
    known = [seconds for seconds in left if seconds is not None]
    assert left[0] is None
    assert max(known) > 0
    assert report.course.left(report.rows) == 0


def looked_at(course: Course, layer: str, seconds: float) -> BlobCheck:
    """One element of a blob, which took so long."""
    none = np.zeros(0)
    check = BlobCheck(layer, "", Slot(False, 0, "x"), (24,), 1e-5, none.astype(int), none, none)
    course._since = time.perf_counter() - seconds
    course.tick(check)
    check.done = 1
    return check


def test_the_pace_is_measured_and_not_told_by_layers_that_take_no_time() -> None:
    """63968 days were left of GoogLeNet at its first elements, which were those of labels."""
    course = Course()
    slot = Slot(False, 0, "x")
    course.expected = [Expected("tiny", "", slot, (24,), 24, 1e-4), Expected("big", "", slot, (24,), 24, 1.0)]
    assert course.left([]) is None
    tiny = looked_at(course, "tiny", 30.0)
    assert course.left([tiny]) is None
    course = Course()
    course.expected = [Expected("tiny", "", slot, (24,), 24, 1e-4), Expected("big", "", slot, (24,), 24, 1.0)]
    big = looked_at(course, "big", 0.4)
    assert course.left([big]) == pytest.approx(23 * 0.4, rel=0.05)
    assert course.shorter(course.left([big])) == ""


def test_a_long_check_says_how_less_is_checked() -> None:
    course = Course()
    course.expected = [Expected("conv", "", Slot(False, 0, "x"), (900,), 256, 1.0)]
    row = looked_at(course, "conv", 50.0)
    assert course.left([row]) == pytest.approx(255 * 50, rel=0.01)
    assert course.shorter(course.left([row])) == "elements=8"
    course = Course()
    course.expected = [Expected("conv", "", Slot(False, 0, "x"), (900,), 24, 1.0)]
    row = looked_at(course, "conv", 1.25)
    assert course.left([row]) == pytest.approx(23 * 1.25, rel=0.01)
    assert course.shorter(course.left([row])) == "elements=4"  # 5 s in place of half a minute
    course.expected = [Expected("conv", "", Slot(False, 0, "x"), (900,), 1, 1.0)]
    looked_at(course, "conv", 5000.0)
    assert course.shorter(5000.0) == "layers=[...]"


def test_a_split_of_labels_is_not_checked() -> None:
    n = net()
    n.second = L.SoftmaxWithLoss(n.act, n.label)
    report = owlkit.check_gradients(n, elements=2)
    assert report.ok
    blobs = {row.slot.label for row in report.rows if row.type == "Split"}
    assert blobs == {"act"}


def test_stopped_by_a_watcher_what_is_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    Watcher(monkeypatch, lambda report, times: report.course.stop() if times == 12 else None)
    report = owlkit.check_gradients(net())
    assert report.interrupted
    assert report.ok
    assert 5 < sum(row.done for row in report.rows) < 15
    assert "interrupted" in repr(report)


def test_a_pause_holds_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def act(report: GradientReport, times: int) -> None:
        if times == 10:
            report.course.pause()
            threads.append(threading.Timer(0.3, report.course.resume))
            threads[0].start()

    watcher = Watcher(monkeypatch, act)
    start = time.perf_counter()
    report = owlkit.check_gradients(net())
    threads[0].join()
    assert time.perf_counter() - start > 0.3
    assert report.ok
    assert not report.interrupted
    assert report.seconds < time.perf_counter() - start - 0.25, "a pause is no work"
    assert "paused" in {state for state, _, _ in watcher.seen}


def test_it_can_end_at_the_first_wrong_blob(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", Twice)

    def act(report: GradientReport, times: int) -> None:
        report.course.until_wrong = True

    Watcher(monkeypatch, act)
    report = owlkit.check_gradients(net())
    assert report.interrupted
    assert report.wrong_layers == ["act"]
    assert [row.layer for row in report.rows] == ["ip", "ip", "ip", "act"]


def test_a_watcher_that_fails_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(monkeypatch, lambda report, times: [][times])
    assert owlkit.check_gradients(net()).ok
    assert len(watcher.seen) == 1
    assert "not called again" in caplog.text


def test_again_fills_the_same_report(monkeypatch: pytest.MonkeyPatch) -> None:
    report = owlkit.check_gradients(net())
    before = [(row.layer, row.error.tolist()) for row in report.rows]
    assert report.again is not None
    assert report.again() is report
    assert [(row.layer, row.error.tolist()) for row in report.rows] == before
    assert len(report.loss) == 4


def test_one_element_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", Twice)
    worst = owlkit.check_gradients(net()).wrong[0].worst
    assert worst is not None
    report = owlkit.check_gradients(net())
    assert report.closer is not None
    again = report.closer("act", "ip", worst.index)
    (row,) = again.rows
    assert row.done <= 2, "the element, and the one that sets the scale"
    assert worst in [row.element(k) for k in range(row.done)], "to the last bit"
    steps = dict(row.curve)
    assert steps[1e-5] == pytest.approx(worst.error)
    assert min(steps.values()) > 0.4, "no step makes a wrong gradient right"


def test_a_right_gradient_makes_a_valley(monkeypatch: pytest.MonkeyPatch) -> None:
    report = owlkit.check_gradients(net(), layers=["ip"], blob="blobs[0]", at=(2, 3))
    (row,) = report.rows
    assert report.ok
    steps = dict(row.curve)
    assert steps[1e-6] < 1e-8 < steps[1e-10]
    tanh = dict(owlkit.check_gradients(net(), layers=["act"], blob="ip", at=(0, 0)).rows[0].curve)
    assert tanh[1e-5] < 1e-8 < tanh[1e-1]


def test_what_does_not_exist_is_told() -> None:
    with pytest.raises(NetError, match=r"act: there is no blob 'blobs\[0\]' with a gradient; there are ip"):
        owlkit.check_gradients(net(), layers=["act"], blob="blobs[0]")
    with pytest.raises(NetError, match=r"act: ip has the shape \(4, 5\), so there is no element \(4, 0\)"):
        owlkit.check_gradients(net(), layers=["act"], blob="ip", at=(4, 0))
    with pytest.raises(NetError, match="looked for in one layer"):
        owlkit.check_gradients(net(), blob="ip")
    with pytest.raises(NetError, match="name the blob as well"):
        owlkit.check_gradients(net(), layers=["act"], at=(0, 0))


# -- what wrong elements have in common
def test_a_region_and_a_factor_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", Twice)
    report = owlkit.check_gradients(net(), inputs={"data": np.arange(24).reshape(4, 6) % 7 - 3.0})
    assert describe(report.wrong[0]) == "all in images 2 to 3; backward gives 2 times the slope in each"
    assert describe(report.rows[0]) == ""


def test_a_sign_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "TanH", OppositeWhereNegative)
    report = owlkit.check_gradients(net())
    assert describe(report.wrong[0]) == "exactly those with a value below 0; backward gives the opposite sign"
