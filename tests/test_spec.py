"""NetSpec as users of pycaffe know it."""

# ruff: noqa: E501 - a mistake and its message on one line
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit.core.errors import DataError
from owlkit.proto import caffe_pb2, text
from owlkit.spec import LAYER_TYPES, L, NetSpec, P, to_proto
from tests.support.shared import shared


def _is(net: Any, prototxt: str) -> None:
    message = net.to_proto() if hasattr(net, "to_proto") else net
    assert text.format(message) == text.format(text.parse(prototxt, caffe_pb2.NetParameter))


def _lenet(source: str, batch_size: int) -> NetSpec:
    n = NetSpec()
    n.data, n.label = L.Data(
        batch_size=batch_size,
        backend=P.Data.LMDB,
        source=source,
        transform_param=dict(scale=1.0 / 255),
        ntop=2,
    )
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.conv2 = L.Convolution(n.pool1, kernel_size=5, num_output=50, weight_filler=dict(type="xavier"))
    n.pool2 = L.Pooling(n.conv2, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.ip1 = L.InnerProduct(n.pool2, num_output=500, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip2, n.label)
    return n


def test_the_lenet_of_pycaffes_tutorial() -> None:
    """The published lenet_auto_train.prototxt is what pycaffe's NetSpec writes for this net."""
    xavier = 'weight_filler { type: "xavier" }'
    _is(
        _lenet("examples/mnist/mnist_train_lmdb", 64),
        f"""layer {{ name: "data" type: "Data" top: "data" top: "label" transform_param {{ scale: 0.0039215686274509803 }}
             data_param {{ source: "examples/mnist/mnist_train_lmdb" batch_size: 64 backend: LMDB }} }}
           layer {{ name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
             convolution_param {{ num_output: 20 kernel_size: 5 {xavier} }} }}
           layer {{ name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
             pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
           layer {{ name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
             convolution_param {{ num_output: 50 kernel_size: 5 {xavier} }} }}
           layer {{ name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2"
             pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
           layer {{ name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
             inner_product_param {{ num_output: 500 {xavier} }} }}
           layer {{ name: "relu1" type: "ReLU" bottom: "ip1" top: "ip1" }}
           layer {{ name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
             inner_product_param {{ num_output: 10 {xavier} }} }}
           layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}""",
    )


def test_net_written_by_pycaffe() -> None:
    """hdf5_classification's nonlinear_auto_train.prototxt, which pycaffe's own NetSpec wrote."""
    path = shared("models/bvlc/examples/hdf5_classification/nonlinear_auto_train.prototxt")
    n = NetSpec()
    n.data, n.label = L.HDF5Data(batch_size=10, source="examples/hdf5_classification/data/train.txt", ntop=2)
    n.ip1 = L.InnerProduct(n.data, num_output=40, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.ip1, num_output=2, weight_filler=dict(type="xavier"))
    n.accuracy = L.Accuracy(n.ip2, n.label)
    n.loss = L.SoftmaxWithLoss(n.ip2, n.label)
    _is(n, path.read_text())


def test_made_up_names() -> None:
    """As pycaffe: the type with a number, in the order in which layers are written."""
    data = L.DummyData(num=1, channels=2, height=3, width=4)
    net = to_proto(L.Convolution(L.ReLU(L.Convolution(data, num_output=1, kernel_size=1)), num_output=1))
    assert [layer.name for layer in net.layer] == ["DummyData1", "Convolution1", "ReLU1", "Convolution2"]
    assert [list(layer.bottom) for layer in net.layer][1:] == [["DummyData1"], ["Convolution1"], ["ReLU1"]]
    two = L.DummyData(shape=dict(dim=[1, 2]), ntop=2)
    assert list(to_proto(*two).layer[0].top) == ["DummyData1", "DummyData2"]


def test_made_up_names_avoid_given_ones() -> None:
    n = NetSpec()
    n.ReLU1 = L.ReLU(L.ReLU(L.Input(shape=dict(dim=[1]))))
    assert [layer.name for layer in n.to_proto().layer] == ["Input1", "ReLU2", "ReLU1"]


def test_layers_without_tops_and_layers_that_nothing_reads() -> None:
    n = NetSpec()
    n.data, n.label = L.MemoryData(batch_size=1, channels=1, height=2, width=2, ntop=2)
    n.silence = L.Silence(n.label, ntop=0)
    _is(
        n,
        """layer { name: "data" type: "MemoryData" top: "data" top: "label"
             memory_data_param { batch_size: 1 channels: 1 height: 2 width: 2 } }
           layer { name: "silence" type: "Silence" bottom: "label" }""",
    )
    assert to_proto(n.silence).layer[1].name == "Silence1"


def test_common_fields_and_nested_messages() -> None:
    n = NetSpec("named", force_backward=True, state=dict(stage=["a"]))
    n["data/x"] = L.Input(shape=[dict(dim=[1, 2]), dict(dim=3)])
    n.ip = L.InnerProduct(
        n["data/x"],
        name="own name",
        num_output=np.int64(3),
        param=[dict(lr_mult=1), dict(lr_mult=2, decay_mult=0)],
        weight_filler=caffe_pb2.FillerParameter(type="gaussian", std=0.5),
        include=dict(phase="TRAIN", stage=("a", "b")),
        propagate_down=True,
        phase=caffe_pb2.TEST,
    )
    n.loss = L.SoftmaxWithLoss(
        n.ip, n["data/x"], loss_weight=0.5, loss_param=dict(ignore_label=3), normalization="none", axis=-1
    )
    n.filtered = L.Convolution(
        n.ip, kernel_size=np.array([3, 5]), pad=(1, 2), engine="CAFFE", exclude=[{}, {}]
    )
    _is(
        n,
        """name: "named" force_backward: true state { stage: "a" }
           layer { name: "data/x" type: "Input" top: "data/x" input_param { shape { dim: 1 dim: 2 } shape { dim: 3 } } }
           layer { name: "own name" type: "InnerProduct" bottom: "data/x" top: "ip" phase: TEST propagate_down: true
             param { lr_mult: 1 } param { lr_mult: 2 decay_mult: 0 } include { phase: TRAIN stage: "a" stage: "b" }
             inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.5 } } }
           layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "data/x" top: "loss" loss_weight: 0.5
             loss_param { ignore_label: 3 normalization: NONE } softmax_param { axis: -1 } }
           layer { name: "filtered" type: "Convolution" bottom: "ip" top: "filtered" exclude { } exclude { }
             convolution_param { kernel_size: 3 kernel_size: 5 pad: 1 pad: 2 engine: CAFFE } }""",
    )


def test_every_type_finds_its_parameters() -> None:
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[1]))
    n.lstm = L.LSTM(n.x, n.x, num_output=2)
    n.up = L.Deconvolution(n.x, num_output=2, kernel_size=2)
    n.hinge = L.HingeLoss(n.x, n.x, norm=P.HingeLoss.L2)
    n.p = L.Python(n.x, module="layers", layer="Mine", param_str="{}")
    n.spp = L.SPP(n.x, pyramid_height=2, spp_param=dict(pool="AVE"))
    found = {layer.type: {field.name for field, _ in layer.ListFields()} for layer in n.to_proto().layer}
    own = {kind: sorted(name for name in names if name.endswith("_param")) for kind, names in found.items()}
    assert own == {
        "Input": ["input_param"],
        "LSTM": ["recurrent_param"],
        "Deconvolution": ["convolution_param"],
        "HingeLoss": ["hinge_loss_param"],
        "Python": ["python_param"],
        "SPP": ["spp_param"],
    }
    assert len(LAYER_TYPES) == 61
    for name in LAYER_TYPES:
        assert f"{name} layer" in getattr(L, name).__doc__


def test_access() -> None:
    n = NetSpec()
    n.a = L.Input(shape=dict(dim=[1]))
    n.b = L.ReLU(n.a)
    assert n.a is n["a"] is n.tops["a"]
    assert list(n) == ["a", "b"] == list(n.tops)
    assert "a" in n
    assert "a" in dir(n)
    del n.b
    assert len(n) == 1
    assert n.name == ""
    n.name = "renamed"
    assert n.to_proto().name == "renamed"
    with pytest.raises(AttributeError, match=r"no top 'aa' \(did you mean 'a'\?\)"):
        n.aa
    with pytest.raises(KeyError, match="no top 'b'"):
        n["b"]


def test_in_place_chain() -> None:
    n = NetSpec()
    n.x = L.Input(shape=dict(dim=[1]))
    n.y = L.BatchNorm(n.x, in_place=True)
    n.z = L.ReLU(n.y, in_place=True)
    n.out = L.ReLU(n.z)
    assert [list(layer.top) for layer in n.to_proto().layer] == [["x"], ["x"], ["x"], ["out"]]


def test_constants() -> None:
    assert (P.Pooling.MAX, P.Pooling.AVE, P.Data.LMDB) == (0, 1, 1)
    assert P.Eltwise.SUM == caffe_pb2.EltwiseParameter.SUM
    assert P.LRN.WITHIN_CHANNEL == 1
    assert "Pooling" in dir(P)
    assert "AVE" in dir(P.Pooling)
    with pytest.raises(AttributeError, match=r"P.Pooling has no constant 'AVG' \(did you mean 'AVE'\?\)"):
        P.Pooling.AVG
    with pytest.raises(
        AttributeError, match=r"no parameters are called 'Poolin' \(did you mean 'Pooling'\?\)"
    ):
        P.Poolin


def _x() -> Any:
    return L.Input(shape=dict(dim=[1]))


def test_a_net_is_saved_as_a_prototxt(tmp_path: Path) -> None:
    n = NetSpec("saved", force_backward=True)
    n.x = _x()
    n.ip = L.InnerProduct(n.x, num_output=2)
    path = n.save(tmp_path / "net.prototxt")
    assert text.read(path, caffe_pb2.NetParameter) == n.to_proto()
    with pytest.raises(DataError, match="there is no folder"):
        n.save(tmp_path / "none" / "net.prototxt")


def test_documentation_is_that_of_the_class_with_the_defaults() -> None:
    told = L.Pooling.__doc__
    assert told.startswith("Pooling layer: L.Pooling(bottom, ...")
    for part in ("bottom 0 : x, (N, C, H, W)", "Gradient: MAX: dy goes to the first maximum", "pool = MAX"):
        assert part in told
    assert "stride = 1" in told
    assert "kernel_size (one or several)" in L.Convolution.__doc__
    assert "moving_average_fraction = 0.999," in L.BatchNorm.__doc__


def test_registered_layers_are_known() -> None:
    base = pytest.importorskip("owlkit.layers.base")
    base.LAYERS["Quadrupled"] = base.Layer
    try:
        assert to_proto(L.Quadrupled(_x())).layer[1].type == "Quadrupled"
    finally:
        del base.LAYERS["Quadrupled"]


def test_deep_nets_do_not_recurse() -> None:
    top = _x()
    for _ in range(3000):
        top = L.ReLU(top)
    assert len(to_proto(top).layer) == 3001


def test_text_table() -> None:
    lines = repr(_lenet("db", 2)).splitlines()
    assert lines[0] == "unnamed net: 9 layers"
    assert lines[1].split() == ["layer", "type", "bottoms", "→", "tops", "parameters"]
    assert "conv1  Convolution" in lines[3]
    assert "data → conv1" in lines[3]
    assert lines[3].endswith("num_output=20 kernel_size=5 weight_filler=(type=xavier)")
    assert "ip1 in place" in lines[8]


def test_mistakes_of_a_net_are_told_in_its_drawing(tmp_path: Path) -> None:
    n = _lenet(str(tmp_path / "missing"), 2)
    html = n._repr_html_()
    assert "conv1" in html
    assert "missing" in html


def test_spec_imports_no_arrays() -> None:
    program = (
        "import sys, owlkit.spec; assert not {'numpy', 'owlkit.layers', 'owlkit.kernels'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_language_knows_the_fillers_that_there_are() -> None:
    from owlkit.core import fillers
    from owlkit.spec.types import FILLER_TYPES

    assert tuple(fillers._FILLERS) == FILLER_TYPES


def test_what_a_person_writes_first_is_taken() -> None:
    """A shape as the list of its axes, a filler as its type, and a Data layer that reads what there is."""
    n = NetSpec()
    n.data = L.Input(shape=[1, 3, 8, 8])
    n.fc = L.InnerProduct(n.data, num_output=2, weight_filler="xavier", param=dict(lr_mult=1))
    n.a, n.b = L.Input(shape=[[2, 3], [2]], ntop=2)
    shapes = [[list(shape.dim) for shape in layer.input_param.shape] for layer in n.to_proto().layer]
    assert shapes == [[[1, 3, 8, 8]], [], [[2, 3], [2]]]
    assert n.to_proto().layer[1].inner_product_param.weight_filler.type == "xavier"
    assert list(L.DummyData(shape=[], num=2).to_proto().layer[0].dummy_data_param.shape) == []  # as ever
    data = L.Data(source="train_lmdb", batch_size=4, ntop=2)[0].to_proto().layer[0].data_param
    assert data.HasField("backend")  # Caffe is told, too
    assert data.backend == P.Data.LMDB
