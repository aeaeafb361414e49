"""Every layer on a GPU against BVLC Caffe 1.0, and its gradient in float64 against central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from owlkit.core.gpu.device import GpuDevice
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.layers.test_gradients import IN_PLACE, LAYERS_TO_CHECK
from tests.layers.test_gradients_golden import NOT_THE_TRUE_GRADIENT
from tests.support import gradient
from tests.support.golden import Golden, LayerRun, cases, run_net
from tests.support.one_layer import OneLayer
from tests.support.shared import shared, shared_root

pytestmark = pytest.mark.gpu
FOLDER = shared_root() / "golden" / "layers"
LAYER_CASES, NET_CASES = cases(FOLDER), cases(FOLDER, nets=True)


def first_of_each(found: Sequence[Golden]) -> list[Any]:
    """The cases as parameters; the first of each layer type runs on the stand-in too."""
    first = {case.layer_type: case for case in reversed(found)}.values()
    marks = [pytest.mark.also_emulated if case in first else () for case in found]
    return [pytest.param(case, marks=mark, id=case.name) for case, mark in zip(found, marks, strict=True)]


def test_there_are_cases() -> None:
    shared("golden/layers")
    assert len(LAYER_CASES) > 150
    assert NET_CASES


@pytest.mark.parametrize("case", first_of_each(LAYER_CASES))
def test_layer(case: Golden, device: GpuDevice) -> None:
    LayerRun(case, device).run()


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
@pytest.mark.parametrize("case", NET_CASES, ids=lambda case: case.name)
def test_net(case: Golden, fuse: bool, device: GpuDevice) -> None:
    definition = text.parse(case.text("prototxt"), caffe_pb2.NetParameter)
    run_net(case, Net(definition, phase=case.phase, fuse=fuse, device=device))


@pytest.mark.parametrize(
    "case", [c for c in LAYER_CASES if bool(c.arrays["has_backward"])], ids=lambda case: case.name
)
def test_gradient(case: Golden, device: GpuDevice) -> None:
    run = LayerRun(case, device, dtype="float64")
    for index, array in case.numbered("param").items():
        run.layer.blobs[index].data[...] = array
    run.feed(0)
    report = gradient.report_on(run, bottoms=list(case.numbered("bottom_diff"))).raise_if_wrong()
    assert ("known" in {row.verdict for row in report.rows}) == (case.name in NOT_THE_TRUE_GRADIENT), report


@pytest.mark.parametrize("in_place", [False, True], ids=["", "in place"])
@pytest.mark.parametrize("name", LAYERS_TO_CHECK)
def test_gradient_of_options(name: str, in_place: bool, make_device: Callable[..., GpuDevice]) -> None:
    if in_place and name not in IN_PLACE:
        pytest.skip("runs not in place")
    body, *shapes = LAYERS_TO_CHECK[name]
    net = OneLayer(body, *shapes, dtype="float64", seed=7, device=make_device())
    gradient.fill_learned(net)
    gradient.check_gradients(net, in_place=in_place)


@pytest.mark.also_emulated
def test_a_wrong_result_is_found(device: GpuDevice) -> None:
    run = LayerRun(Golden(shared("golden/layers/lrn__across_size3.npz")), device)
    run.param.lrn_param.alpha = 0.4
    run.layer.prepare(device, run.bottom, run.top)
    with pytest.raises(AssertionError, match="top 0"):
        run.run()
