"""The gradient check over the option combinations of Caffe's reference cases, at their values, in float64."""

from __future__ import annotations

import pytest

from owlkit.layers import LAYERS
from tests.support import gradient
from tests.support.golden import Golden, LayerRun, cases
from tests.support.shared import shared

CASES = [case for case in cases(shared("golden/layers")) if bool(case.arrays["has_backward"])]
# Caffe's gradient is not the true one here; that owlkit's is Caffe's is asserted by test_golden.py.
NOT_THE_TRUE_GRADIENT = {
    "contrastive_loss__4d",
    "contrastive_loss__margin2",
    "mvn__across_eps",
    "mvn__eps",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradient(case: Golden) -> None:
    if case.layer_type not in LAYERS:
        pytest.skip(f"there is no layer {case.layer_type} yet")
    run = LayerRun(case, dtype="float64")
    for index, array in case.numbered("param").items():
        run.layer.blobs[index].data[...] = array
    run.feed(0)
    report = gradient.report_on(run, bottoms=list(case.numbered("bottom_diff"))).raise_if_wrong()
    verdicts = {row.verdict for row in report.rows}
    assert ("known" in verdicts) == (case.name in NOT_THE_TRUE_GRADIENT), report


def test_every_exception_is_a_case() -> None:
    assert {case.name for case in CASES} >= NOT_THE_TRUE_GRADIENT
