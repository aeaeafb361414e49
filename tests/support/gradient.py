"""A layer's test in a line: prototxt, shapes, expectation; owlkit.check_gradients does the work on gradients.

For example check("passes", 'type: "TanH"', (3, 4), value=np.tanh), or
check("known", 'type: "MVN" mvn_param { eps: 1 }', X).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from owlkit.core.blob import Blob
from owlkit.inspection.gradcheck.course import Course
from owlkit.inspection.gradcheck.one_layer import check_layer
from owlkit.inspection.gradcheck.probe import Probe
from owlkit.inspection.gradcheck.report import GradientReport
from owlkit.inspection.gradcheck.settings import Settings
from owlkit.layers.base import Layer
from tests.support.one_layer import OneLayer

MAY_SKIP = 0.1  # of the elements, for kinks
MUST_MOVE = 0.1  # of the derivatives are not 0, or the check would pass for a layer that does nothing


def check(
    expected: str,
    body: str,
    *shapes: Any,
    tops: int = 1,
    phase: str = "train",
    seed: int = 0,
    bottoms: Sequence[int] | None = None,
    in_place: bool = False,
    learned: Sequence[Any] | None = None,
    value: Callable[..., Any] | None = None,
    ties: Sequence[Any] | None = None,
) -> GradientReport:
    """The layer of that definition between bottoms of those shapes (or arrays) is as `expected`.

    expected : "passes"; "known", a gradient that is wrong as in Caffe; or "wrong".
    learned : what the learned blobs hold; by default noise.
    value : what top 0 is, as a function of the bottoms' arrays and then the learned ones'; compared in
        float64, and in float32 on the default device.
    ties : for bottoms of equal elements: per bottom, its gradient where that of the tops is 1.
    """
    net, fast = (
        OneLayer(body, *shapes, tops=tops, phase=phase, dtype=dtype, seed=seed)
        for dtype in ("float64", "float32")
    )
    for made in (net, fast):
        fill_learned(made, learned)
    if value is not None:
        check_value(net, value)
        check_value(fast, value, tolerance=1e-5)
    if ties is not None:
        check_ties(net, *ties)
    if expected == "passes":
        return check_gradients(net, bottoms=bottoms, in_place=in_place)
    report = report_on(net, bottoms=bottoms, in_place=in_place)
    found = {row.verdict for row in report.rows}
    assert expected in found, f"expected a blob that is {expected}, found {sorted(found)}\n{report}"
    return report


def check_value(net: OneLayer, value: Callable[..., Any], tolerance: float = 1e-12) -> None:
    """Top 0 is what `value` makes of the bottoms and the learned blobs."""
    expected = np.asarray(value(*(blob.data.copy() for blob in (*net.bottom, *net.layer.blobs))))
    found = net.forward()[0]
    assert found.shape == expected.shape, f"top 0 is {found.shape}, expected {expected.shape}"
    np.testing.assert_allclose(found, expected, tolerance, tolerance, err_msg="top 0 is another value")


def fill_learned(net: OneLayer, values: Sequence[Any] | None = None) -> None:
    """`values`, or normal noise in place of zeros, which hide mistakes."""
    rng = np.random.default_rng(3)
    for index, blob in enumerate(net.layer.blobs):
        blob.data[...] = rng.standard_normal(blob.shape) if values is None else values[index]


class LayerBetweenBlobs(Protocol):
    """OneLayer, and the layer of a golden case."""

    @property
    def layer(self) -> Layer: ...
    @property
    def bottom(self) -> list[Blob]: ...
    @property
    def top(self) -> list[Blob]: ...


def report_on(
    net: LayerBetweenBlobs, *, bottoms: Sequence[int] | None = None, in_place: bool = False
) -> GradientReport:
    """Every element of every bottom (of `bottoms`, or all that get a gradient) and of every learned blob."""
    if in_place:
        net.top[0] = net.bottom[0]
        net.layer.reshape(net.bottom, net.top)
    chosen = [i for i in range(len(net.bottom)) if i not in net.layer.no_gradient]
    wanted = [i in (chosen if bottoms is None else bottoms) for i in range(len(net.bottom))]
    settings = Settings(elements="all")
    report = GradientReport(net.layer.name, settings)
    probe = Probe(net.layer, net.bottom, net.top, wanted, np.random.default_rng(1))
    check_layer(probe, settings, Course(), report.rows)
    return report


def check_gradients(
    net: OneLayer, *, bottoms: Sequence[int] | None = None, in_place: bool = False
) -> GradientReport:
    """AssertionError, naming blob and element, where a gradient is wrong, or too little of it was tested."""
    report = report_on(net, bottoms=bottoms, in_place=in_place).raise_if_wrong()
    assert report.rows, "there is no gradient to check"
    for row in report.rows:
        assert row.kinks <= MAY_SKIP * row.done, f"{row.slot}: {row.kinks} of {row.done} elements at a kink"
        assert row.nonzero >= MUST_MOVE, (
            f"{row.slot}: only {row.nonzero:.0%} of the gradient is not zero; choose other values"
        )
    return report


def check_ties(net: OneLayer, *expected: Any) -> None:
    """Which of several equal elements gets the gradient is Caffe's choice, which no difference can tell.

    expected : per bottom, its gradient where that of the tops is 1.
    """
    net.forward()
    for found, wanted in zip(net.backward(*[1.0] * len(net.top)), expected, strict=True):
        np.testing.assert_array_equal(found, wanted, "the gradient goes to another one of equal elements")
