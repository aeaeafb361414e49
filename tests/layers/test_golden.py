"""Every layer against BVLC Caffe 1.0: outputs, gradients, running statistics."""

from __future__ import annotations

import pytest

from owlkit.core.device import Device
from owlkit.layers import LAYERS
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.support.golden import Golden, LayerRun, cases, run_net
from tests.support.shared import shared, shared_root

FOLDER = shared_root() / "golden" / "layers"
LAYER_CASES = cases(FOLDER)
NET_CASES = cases(FOLDER, nets=True)


def test_there_are_cases() -> None:
    shared("golden/layers")
    assert len(LAYER_CASES) > 150
    assert NET_CASES


@pytest.mark.parametrize("order", [("onednn", "reference"), ("reference",)], ids=["onednn", "reference"])
@pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name)
def test_layer(case: Golden, order: tuple[str, ...]) -> None:
    if case.layer_type not in LAYERS:
        pytest.skip(f"there is no layer type {case.layer_type} yet")
    LayerRun(case, Device("cpu", order)).run()


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
@pytest.mark.parametrize("case", NET_CASES, ids=lambda case: case.name)
def test_net(case: Golden, fuse: bool) -> None:
    definition = text.parse(case.text("prototxt"), caffe_pb2.NetParameter)
    run_net(case, Net(definition, phase=case.phase, fuse=fuse))


def test_a_wrong_result_is_found() -> None:
    """The comparison must be able to fail: a case whose parameter is changed does."""
    case = Golden(shared("golden/layers/lrn__across_size3.npz"))
    run = LayerRun(case)
    run.param.lrn_param.alpha = 0.4
    run.layer.prepare(Device("cpu", ("reference",)), run.bottom, run.top)
    with pytest.raises(AssertionError, match="top 0"):
        run.run()
