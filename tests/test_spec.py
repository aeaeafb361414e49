"""NetSpec as users of pycaffe know it, and what it says of mistakes."""

# ruff: noqa: E501 - a mistake and its message on one line
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import Net, Solver
from owlkit.core.errors import DataError, NetError
from owlkit.proto import caffe_pb2, text
from owlkit.spec import LAYER_TYPES, L, NetSpec, P, SpecError, UnknownTypeError, to_proto
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


MISTAKES = [
    (lambda: L.Convolution(_x(), kernal_size=3), "Convolution has no parameter 'kernal_size' (did you mean 'kernel_size'?)"),
    (lambda: L.ReLU(_x(), zzz=3), "ReLU has no parameter 'zzz'; it takes negative_slope, engine"),
    (lambda: L.ReLU(_x(), inplace=True), "ReLU has no parameter 'inplace' (did you mean 'in_place'?)"),
    (lambda: L.ReLU(_x(), type="x"), "ReLU has no parameter 'type'"),
    (lambda: L.Pooling(_x(), pool="AVG"), "Pooling: pool must be one of MAX, AVE, STOCHASTIC, found 'AVG' (did you mean 'AVE'?)"),
    (lambda: L.Pooling(_x(), kernel_size=[3, 3]), "Pooling: kernel_size must be a whole number from 0, found [3, 3]"),
    (lambda: L.InnerProduct(_x(), num_output=2.5), "InnerProduct: num_output must be a whole number from 0, found 2.5"),
    (lambda: L.InnerProduct(_x(), num_output=-1), "InnerProduct: num_output must be a whole number from 0, found -1"),
    (lambda: L.Reshape(_x(), axis=2**40), "Reshape: axis cannot be 1099511627776"),
    (lambda: L.InnerProduct(_x(), weight_filler=3), "weight_filler is a FillerParameter: give a dict such as dict(type=...)"),
    (lambda: L.InnerProduct(_x(), weight_filler=dict(typ="xavier")), "FillerParameter has no field 'typ' (did you mean 'type'?)"),
    (lambda: L.Dropout(_x(), dropout_ratio="0.5"), "Dropout: dropout_ratio must be a number, found '0.5'"),
    (lambda: L.Convolution(_x(), bias_term="no"), "Convolution: bias_term must be True or False, found 'no'"),
    (lambda: L.Data(source=3), "Data: source must be a string, found 3"),
    (lambda: L.Data(scale=0.5), "Data: scale belongs in transform_param=dict(scale=...)"),
    (lambda: L.ReLU("data"), "ReLU: bottoms are tops of other layers, such as n.data, not its name; found 'data'"),
    (lambda: L.ReLU(L.Data(ntop=2)), "a layer gave 2 tops: pass one of them, or all with a star before"),
    (lambda: L.Data(ntop=-1), "Data: ntop must be a whole number from 0, found -1"),
    (lambda: L.Eltwise(_x(), _x(), in_place=True), "Eltwise: in_place needs exactly one bottom and one top"),
    (lambda: NetSpec("x", force_backwards=True), "has no field 'force_backwards' (did you mean 'force_backward'?)"),
    (lambda: setattr(NetSpec(), "data", L.Data(ntop=2)), "Data has 2 tops: give each a name, n.data, n.other = L.Data(...)"),
    (lambda: setattr(NetSpec(), "data", "x"), "n.data must be a layer or a top made by L, found 'x'"),
    (lambda: setattr(NetSpec(), "tops", _x()), "'tops' is NetSpec's own; write n['tops']"),
    (lambda: setattr(NetSpec(), "save", _x()), "'save' is NetSpec's own; write n['save']"),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "told"), MISTAKES)
def test_mistakes_are_told_in_the_call(mistake: Any, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        mistake()
    assert told in str(caught.value)
    assert isinstance(caught.value, (NetError, TypeError))


def test_a_net_is_saved_as_a_prototxt(tmp_path: Path) -> None:
    n = NetSpec("saved", force_backward=True)
    n.x = _x()
    n.ip = L.InnerProduct(n.x, num_output=2)
    path = n.save(tmp_path / "net.prototxt")
    assert text.read(path, caffe_pb2.NetParameter) == n.to_proto()
    with pytest.raises(DataError, match="there is no folder"):
        n.save(tmp_path / "none" / "net.prototxt")


def test_unknown_types() -> None:
    with pytest.raises(
        UnknownTypeError, match=r"no layer type is called 'Convolutoin' \(did you mean 'Convolution'"
    ):
        L.Convolutoin
    assert not hasattr(L, "_repr_html_")
    assert "Convolution" in dir(L)
    LAYER_TYPES.add("Tripled")
    try:
        assert to_proto(L.Tripled(_x(), loss_weight=1)).layer[1].type == "Tripled"
    finally:
        LAYER_TYPES.remove("Tripled")


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


def test_a_misspelt_filler_is_refused_in_its_cell() -> None:
    with pytest.raises(
        SpecError, match=r"weight_filler must be of a type in .*'xaveir' \(did you mean 'xavier'\?\)"
    ):
        L.Convolution(_x(), num_output=1, kernel_size=1, weight_filler=dict(type="xaveir"))


def test_the_language_knows_the_fillers_that_there_are() -> None:
    from owlkit.core import fillers
    from owlkit.spec.types import FILLER_TYPES

    assert tuple(fillers._FILLERS) == FILLER_TYPES


def test_a_forgotten_ntop_is_told() -> None:
    with pytest.raises(SpecError, match="Data makes one top here; give ntop=2"):
        _data, _label = L.Data(source="somewhere", batch_size=1)


def test_names_of_other_toolkits_lead_to_caffes() -> None:
    from owlkit.spec.types import ELSEWHERE

    with pytest.raises(UnknownTypeError, match=r"'Conv2d' \(in Caffe it is 'Convolution'\)"):
        L.Conv2d
    assert set(ELSEWHERE.values()) <= LAYER_TYPES


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


def test_a_mistake_is_told_once() -> None:
    with pytest.raises(SpecError) as told:
        L.InnerProduct(num_output="ten")
    assert str(told.value) == "InnerProduct: num_output must be a whole number from 0, found 'ten'"


def test_an_array_where_a_path_belongs_is_told_by_its_shape() -> None:
    """Ten thousand images took 15 s to be written out into the error."""
    with pytest.raises(SpecError) as told:
        L.Data(source=np.zeros((1000, 3, 32, 32), np.uint8), batch_size=4, ntop=2)
    assert "an array of shape (1000, 3, 32, 32)" in str(told.value)
    assert "from_arrays" in str(told.value)
    with pytest.raises(SpecError) as told:
        L.InnerProduct(bias_term="x" * 5000)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda: L.Convolution(16, 3), r"by name, as in L.Convolution\(bottom, num_output=16\)"),
        (lambda: L.InnerProduct(weight_filler="kaiming"), "in Caffe it is 'msra'"),
        (lambda: L.Data(shuffle=True), "shuffle them when the set is made"),
        (lambda: L.Data(batchsize=3), "did you mean 'batch_size'"),
        (lambda: L.Add, "in Caffe it is 'Eltwise'"),
    ],
)
def test_habits_from_elsewhere_are_answered(mistake: Any, told: str) -> None:
    with pytest.raises(NetError, match=told):
        mistake()


def test_frozen_layers_keep_their_weights() -> None:
    """Every learned blob of them, of each type; what is above learns."""
    n = NetSpec("frozen")
    n.data, n.label = L.DummyData(
        shape=[[4, 3, 6, 6], [4]], data_filler=[dict(type="gaussian"), dict(type="constant")], ntop=2
    )
    n.a = L.Convolution(n.data, num_output=4, kernel_size=3, weight_filler="xavier", param=dict(lr_mult=2))
    n.b = L.Convolution(n.a, num_output=4, kernel_size=1, weight_filler="xavier", bias_term=False)
    n.scale = L.Scale(n.b, bias_term=True)
    n.prelu = L.PReLU(n.scale)
    n.up = L.Deconvolution(
        n.prelu, convolution_param=dict(num_output=2, kernel_size=2, weight_filler=dict(type="xavier"))
    )
    n.bias = L.Bias(n.up)
    n.fc = L.InnerProduct(n.bias, num_output=3, weight_filler="xavier")
    n.score = L.InnerProduct(n.fc, num_output=2, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    assert n.freeze("a", "[b-r]*", "up") == ["a", "b", "prelu", "bias", "fc", "up"]
    n.freeze("scale")
    solver = Solver(n, base_lr=0.1, weight_decay=0.1, max_iter=3, snapshot_after_train=False, seed=1)
    before = {name: [blob.data.copy() for blob in blobs] for name, blobs in solver.net.params.items()}
    solver.step(2)
    for name, blobs in solver.net.params.items():
        for old, blob in zip(before[name], blobs, strict=True):
            assert np.array_equal(old, blob.data) == (name != "score"), name
    with pytest.raises(SpecError, match=r"'relu'.*has weights to learn"):
        n.freeze("relu")
    with pytest.raises(SpecError, match=r"freeze\(\*names\)"):
        n.freeze(["a", "b"])


def test_recurrent_layers_are_frozen_whole() -> None:
    for layer, count in ((L.RNN, 5), (L.LSTM, 3)):
        n = NetSpec("recurrent")
        n.x, n.cont = L.DummyData(
            shape=[[3, 2, 4], [3, 2]], data_filler=dict(type="constant", value=1), ntop=2
        )
        n.h = layer(n.x, n.cont, num_output=3, weight_filler="xavier")
        n.freeze("h")
        assert [param.lr_mult for param in n.to_proto().layer[-1].param] == [0] * count
        assert len(Net(n).params["h"]) == count
