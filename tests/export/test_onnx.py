"""Published models as ONNX, batches of any size, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import owlkit
from owlkit.core.errors import DataError, FileFormatError, NetError
from owlkit.export.files import to_onnx
from owlkit.net import Net
from owlkit.proto import caffe_pb2, text
from tests.export.running import run, run_session, session
from tests.support.shared import shared

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

SMALL = """name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
  pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
layer { name: "flat" type: "Flatten" bottom: "pool" top: "flat" }
layer { name: "fc" type: "InnerProduct" bottom: "flat" top: "fc"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
%s"""


def definition(more: str = "") -> Any:
    return text.parse(SMALL % more, caffe_pb2.NetParameter)


def load(model: str) -> dict[str, np.ndarray]:
    with np.load(shared(f"models/{model}.npz")) as stored:
        return {name: stored[name] for name in stored.files}


def near(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_lenet() -> None:
    from tests.models.test_real_models import mnist_test_images

    folder, expected = shared("models/lenet"), load("lenet/expected_first2000")
    net = Net(folder / "deploy.prototxt", weights=folder / "lenet_iter_10000.caffemodel")
    images, _ = mnist_test_images()
    found = run(net, {net.inputs[0]: images[:500]}, dynamic_batch=True)
    near(found["prob"], expected["prob"][:500])


def test_resnet20() -> None:
    from owlkit.io.mean import read_mean

    folder, expected = shared("models/resnet20_cifar10"), load("resnet20_cifar10/expected_test1k")
    with np.load(shared("data/cifar10/cifar10_10k_train_1k_test.npz")) as stored:
        images = stored["test_images"][:100].transpose(0, 3, 1, 2)
    net = Net(folder / "deploy.prototxt", weights=folder / "ResNet_20.caffemodel")
    images = images - read_mean(shared("data/cifar10/mean.binaryproto"))
    found = run(net, {net.inputs[0]: images.astype(np.float32)}, dynamic_batch=True)
    near(found["prob"], expected["prob"][:100])


def test_squeezenet() -> None:
    folder, expected = shared("models/squeezenet_v1.1"), load("squeezenet_v1.1/expected_200")
    net = Net(folder / "deploy.prototxt", weights=folder / "squeezenet_v1.1.caffemodel")
    images = expected["input_u8_bgr"][:5].transpose(0, 3, 1, 2) - expected["mean_bgr"].reshape(3, 1, 1)
    found = run(net, {net.inputs[0]: images.astype(np.float32)}, dynamic_batch=True)
    near(found["prob"].reshape(5, 1000), expected["softmax"][:5])


@pytest.mark.parametrize("stage", ["det1", "det2", "det3"])
def test_mtcnn(stage: str) -> None:
    folder, expected = shared("models/mtcnn"), load(f"mtcnn/expected_{stage}")
    net = Net(folder / f"{stage}.prototxt", weights=folder / f"{stage}.caffemodel")
    image = expected.pop("x")
    net.blobs["data"].reshape(*image.shape)
    net.reshape()
    found = run(net, {"data": image})
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        'type: "Pooling" bottom: "conv" pooling_param { pool: STOCHASTIC kernel_size: 3 stride: 2 }',
        'type: "SPP" bottom: "conv" spp_param { pyramid_height: 1 pool: STOCHASTIC }',
        'type: "Convolution" bottom: "conv" convolution_param { num_output: 2 axis: 2 kernel_size: 2 '
        'weight_filler { type: "xavier" } }',
        'type: "Convolution" bottom: "conv" convolution_param { num_output: 2 axis: 0 kernel_size: 3 '
        'weight_filler { type: "xavier" } }',
        'type: "Im2col" bottom: "conv" convolution_param { axis: 2 kernel_size: 2 dilation: 2 pad: 1 }',
    ],
)
def test_what_the_golden_cases_do_not_have(layer: str) -> None:
    net = Net(definition(f'layer {{ name: "l" top: "y" {layer} }}'), seed=1)
    x = np.random.default_rng(1).standard_normal((2, 3, 9, 9)).astype(np.float32)
    near(run(net, {"data": x})["y"], net.forward(data=x)["y"])


@pytest.mark.parametrize("opset", [18, 21, 26])
def test_operators_of_other_versions(opset: int) -> None:
    net = Net(definition(), seed=1)
    x = np.random.default_rng(1).standard_normal((2, 3, 9, 9)).astype(np.float32)
    expected = net.forward(data=x)["prob"].copy()
    near(run(net, {"data": x}, opset=opset)["prob"], expected)


def test_batches_of_any_size() -> None:
    net = Net(definition(), seed=1)
    runner = session(net, dynamic_batch=True)
    assert runner.get_inputs()[0].shape == ["N", 3, 9, 9]
    assert runner.get_outputs()[0].shape == ["N", 5]
    for size in (1, 2, 7):
        x = np.random.default_rng(size).standard_normal((size, 3, 9, 9)).astype(np.float32)
        net.blobs["data"].reshape(*x.shape)
        near(run_session(runner, {"data": x})["prob"], net.forward(data=x)["prob"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            'layer { name: "r" type: "Reshape" bottom: "prob" top: "r" '
            "reshape_param { shape { dim: 2 dim: -1 } } }",
            "blob 'r' is",
        ),
        (
            'layer { name: "r" type: "Reshape" bottom: "prob" top: "r" '
            "reshape_param { shape { dim: 2 dim: 5 } } }",
            "holds for batches of 2 only",
        ),
        (
            'layer { name: "s" type: "Slice" bottom: "prob" top: "s" top: "t" slice_param { axis: 0 } }',
            "blob 's' is",
        ),
    ],
)
def test_nets_of_one_size_of_batch(more: str, message: str) -> None:
    net = Net(definition(more), seed=1)
    to_onnx(net)
    with pytest.raises(NetError, match=f"dynamic_batch: .*{message}"):
        to_onnx(net, dynamic_batch=True)


def test_every_layer_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    more = """layer { name: "label" type: "DummyData" top: "label" dummy_data_param { shape { dim: 2 } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
    layer { name: "filter" type: "Filter" bottom: "pool" bottom: "label" top: "kept" }
    layer { name: "far" type: "Pooling" bottom: "pool" top: "far"
      pooling_param { kernel_size: 1 stride: 7 } }"""
    with pytest.raises(NetError) as told:
        owlkit.export_onnx(definition(more), tmp_path / "x.onnx")
    lines = str(told.value).split("\n")
    assert lines[0] == "net 'small' cannot be written as ONNX; nothing was:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  label (DummyData)",
        "  loss (SoftmaxWithLoss)",
        "  filter (Filter)",
        "  far (Pooling)",
    ]
    assert list(tmp_path.iterdir()) == []


def test_windows_without_input_are_refused() -> None:
    more = """layer { name: "p" type: "Pooling" bottom: "pool" top: "p"
      pooling_param { kernel_size: 1 stride: 7 } }"""
    with pytest.raises(NetError, match=r"p \(Pooling\): windows that hold no input"):
        to_onnx(Net(definition(more)))


def test_the_file_holds_what_its_weights_file_holds(tmp_path: Path) -> None:
    net = Net(definition(), seed=1)
    net.save(tmp_path / "x.caffemodel")
    (tmp_path / "x.prototxt").write_text(text.format(definition()))
    path = owlkit.export_onnx(
        tmp_path / "x.prototxt", tmp_path / "x.onnx", weights=tmp_path / "x.caffemodel", dynamic_batch=True
    )
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 23
    assert {i.name for i in model.graph.initializer} >= {"conv.weight", "conv.bias", "fc.weight", "fc.bias"}
    x = np.random.default_rng(1).standard_normal((2, 3, 9, 9)).astype(np.float32)
    runner = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    near(run_session(runner, {"data": x})["prob"], net.forward(data=x)["prob"])


def test_a_net_in_the_train_phase(tmp_path: Path) -> None:
    with pytest.raises(NetError, match=r"train phase; export net\.deploy\(\)"):
        owlkit.export_onnx(Net(definition(), phase="train"), tmp_path / "x.onnx")


def test_a_layer_in_the_train_phase(tmp_path: Path) -> None:
    """Its Dropout drops in the net, and did not in the file."""
    drops = definition()
    next(layer for layer in drops.layer if layer.type == "Dropout").phase = caffe_pb2.TRAIN
    net = Net(drops)
    with pytest.raises(NetError, match=r"drop \(Dropout\): .* its own phase: TRAIN"):
        owlkit.export_onnx(net, tmp_path / "x.onnx")
    owlkit.export_onnx(net.deploy(), tmp_path / "x.onnx")


def test_an_old_opset(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="opset 11 is too old"):
        owlkit.export_onnx(Net(definition()), tmp_path / "x.onnx", opset=11)


def test_without_onnx_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(DataError, match=r"pip install 'owlkit\[export\]'"):
        owlkit.export_onnx(Net(definition()), tmp_path / "x.onnx")
