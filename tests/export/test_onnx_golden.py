"""Every layer that can be written as ONNX gives BVLC Caffe's outputs in onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import NetError
from owlkit.export.files import to_onnx
from owlkit.export.rules import RULES
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.export.running import run, run_session, session
from tests.support.golden import Golden, cases, compare
from tests.support.shared import shared, shared_root

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FOLDER = shared_root() / "golden" / "layers"
# In the train phase these compute something else.
TRAINED = {"Dropout", "BatchNorm"}
# What cannot be expressed, and is refused with a reason.
REFUSED = {
    "batch_norm__test_batch_stats": "l \\(BatchNorm\\): statistics of the batch",
    "pooling__max_empty_window_fwd": "windows that hold no input",
    "silence__two": "no outputs",
}


def exportable(case: Golden) -> bool:
    return case.layer_type in RULES and not (case.phase == "train" and case.layer_type in TRAINED)


LAYER_CASES = [case for case in cases(FOLDER) if exportable(case)]
EXPRESSED = [case for case in LAYER_CASES if case.name not in REFUSED]
NET_CASES = cases(FOLDER, nets=True)


def load(case: Golden) -> Net:
    return Net(text.parse(case.text("prototxt"), caffe_pb2.NetParameter), phase="test", backward=False)


def inputs_of(case: Golden) -> dict[str, np.ndarray]:
    names = [str(name) for name in case.arrays["bottom_names"]]
    return {name: case.arrays[f"bottom_{i}"] for i, name in enumerate(names)}


def test_there_are_cases() -> None:
    shared("golden/layers")
    assert len(EXPRESSED) > 150
    assert {case.name for case in LAYER_CASES} >= set(REFUSED)
    types = {case.layer_type for case in EXPRESSED}
    assert sorted(set(RULES) - types) == ["Silence"]


@pytest.mark.parametrize("case", [c for c in LAYER_CASES if c.name in REFUSED], ids=lambda case: case.name)
def test_what_is_refused(case: Golden) -> None:
    with pytest.raises(NetError, match=REFUSED[case.name]):
        to_onnx(load(case))


@pytest.mark.parametrize("case", EXPRESSED, ids=lambda case: case.name)
def test_layer(case: Golden) -> None:
    net, inputs = load(case), inputs_of(case)
    for index, array in case.numbered("param").items():
        net.params["l"][index].data[...] = array
    for name, array in inputs.items():
        if name in net.params:  # a Parameter layer brings it, because Caffe has no Input without gradient
            net.params[name][0].data[...] = array
    found: dict[str, Any] = run(net, inputs)
    tops = [str(name) for name in case.arrays["top_names"]]
    compared = 0
    suffix = "_step0" if "top_0_step0" in case.arrays else ""
    for index, expected in case.numbered("top", suffix).items():
        name = tops[index]
        array = found.get(name, found.get(f"{name}_out"))
        if array is not None:
            compare(array, expected, name)
            compared += 1
    assert compared


def test_batches_of_another_size() -> None:
    """Layers whose batch may have any size compute what the net does with two batches put together."""
    compared, refused = set(), set()
    for case in EXPRESSED:
        net = load(case)
        try:
            runner = session(net, dynamic_batch=True)
        except NetError as error:
            if "batch" not in str(error):
                raise
            refused.add(case.layer_type)
            continue
        if not net.inputs:
            continue
        inputs = {name: np.concatenate([array, array[::-1]]) for name, array in inputs_of(case).items()}
        inputs = {name: array for name, array in inputs.items() if name in net.inputs}
        for name, array in inputs.items():
            net.blobs[name].reshape(*array.shape)
        expected = {name: array.copy() for name, array in net.forward(**inputs).items()}
        for name, array in run_session(runner, inputs).items():
            compare(array, expected[name.removesuffix("_out")], f"{case.name}: {name}")
            compared.add(case.layer_type)
    assert {"Convolution", "Pooling", "InnerProduct", "Scale", "Slice", "ArgMax", "Softmax"} <= compared
    assert {"LSTM", "ArgMax"} <= refused


@pytest.mark.parametrize("case", NET_CASES, ids=lambda case: case.name)
def test_net(case: Golden) -> None:
    """As the net computes it here, which other tests compare with Caffe; losses are cut off."""
    definition = text.parse(case.text("prototxt"), caffe_pb2.NetParameter)
    kept = [layer for layer in definition.layer if layer.type in RULES or layer.type == "Input"]
    del definition.layer[:]
    definition.layer.extend(kept)
    net = Net(definition, phase="test", seed=1, backward=False)
    for name, array in case.arrays.items():
        head, _, place = name.partition("/")
        if head == "param":
            layer, _, index = place.rpartition("/")
            net.params[layer][int(index)].data[...] = array
    inputs = {name: case.arrays[f"in/{name}"] for name in net.inputs}
    expected = {name: array.copy() for name, array in net.forward(**inputs).items()}
    found = run(net, inputs)
    assert found
    for name, array in found.items():
        compare(array, expected[name], name)


def test_a_wrong_result_is_found() -> None:
    """The comparison can fail."""
    case = next(case for case in EXPRESSED if case.layer_type == "LRN")
    net = load(case)
    net.layer_dict["l"].param.lrn_param.alpha *= 3
    found = run(net, inputs_of(case))
    with pytest.raises(AssertionError):
        compare(found["t0"], case.arrays["top_0"], "t0")
