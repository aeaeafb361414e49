"""A net in training as one that takes images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import L, Net, NetSpec, Solver, export_onnx, zoo
from owlkit.core.errors import NetError
from owlkit.datasets import from_arrays


@pytest.fixture
def source(tmp_path: Path) -> str:
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    return from_arrays(tmp_path / "set", images, np.arange(12) % 10)


def test_lenet_in_training_is_the_lenet_that_is_deployed(source: str, tmp_path: Path) -> None:
    solver = Solver(zoo.lenet(source, source), base_lr=0.01, max_iter=4, snapshot_after_train=False, seed=1)
    solver.step(2)
    made = solver.net.deploy(batch=3)
    assert made.phase == "test"
    assert (made.inputs, made.outputs) == (["data"], ["prob"])
    assert [layer.type for layer in made.layers] == [
        layer.type for layer in Net(zoo.lenet(), phase="test").layers
    ]
    images = np.stack([solver.net.blobs["data"].data[k] for k in range(3)])
    out = made.forward(data=images)["prob"]
    np.testing.assert_allclose(out.sum(1), 1, 1e-5)
    before = made.params["ip2"][0].data.copy()
    solver.step(1)
    np.testing.assert_array_equal(made.params["ip2"][0].data, before)  # copies
    # Its two files make it again.
    made.save_definition(tmp_path / "deploy.prototxt")
    made.save(tmp_path / "deploy.caffemodel")
    again = Net(tmp_path / "deploy.prototxt", tmp_path / "deploy.caffemodel")
    np.testing.assert_array_equal(again.forward(data=images)["prob"], out)


def test_splits_and_layers_in_place_are_written_as_they_were(source: str, tmp_path: Path) -> None:
    """A residual block, whose input is read twice."""
    n = NetSpec("residual")
    n.data, n.label = L.Data(source=source, batch_size=4, ntop=2)
    n.stem = L.Convolution(n.data, num_output=4, kernel_size=3, pad=1, weight_filler="msra")
    n.bn = L.BatchNorm(n.stem, in_place=True)
    n.conv = L.Convolution(n.bn, num_output=4, kernel_size=3, pad=1, weight_filler="msra")
    n.sum = L.Eltwise(n.bn, n.conv)
    n.relu = L.ReLU(n.sum, in_place=True)
    n.drop = L.Dropout(n.relu, in_place=True)
    n.score = L.InnerProduct(n.drop, num_output=10, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    n.accuracy = L.Accuracy(n.score, n.label)
    net = Net(n, phase="train", seed=1)
    made = net.deploy(batch=4)
    written = [(layer.name, list(layer.bottom), list(layer.top)) for layer in made.graph.definition.layer]
    assert ("sum", ["stem_bn_0_split_1", "conv"], ["sum"]) in written  # the graph's own, inserted anew
    assert [layer.type for layer in made.layers].count("Split") == 1
    text = made.save_definition(tmp_path / "deploy.prototxt").read_text()
    assert "split" not in text
    assert 'bottom: "stem"\n  bottom: "conv"' in text
    test = Net(n, phase="test", share=net)
    test.forward()
    scores = test.blobs["score"].data
    expected = np.exp(scores - scores.max(1, keepdims=True))
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(made.forward(data=test.blobs["data"].data)["prob"], expected, atol=1e-5)


def test_every_loss_gives_its_answer(source: str) -> None:
    n = NetSpec("several")
    n.data, n.label = L.Data(source=source, batch_size=4, ntop=2)
    n.target = L.Input(shape=[4, 3])
    n.a = L.InnerProduct(n.data, num_output=10, weight_filler="xavier")
    n.b = L.InnerProduct(n.data, num_output=3, weight_filler="xavier")
    n.loss_a = L.SoftmaxWithLoss(n.a, n.label)
    n.loss_b = L.SigmoidCrossEntropyLoss(n.b, n.target)
    n.loss_c = L.EuclideanLoss(n.b, n.target, loss_weight=0.1)
    made = Net(n, phase="train", seed=1).deploy()
    assert made.inputs == ["data"]
    assert sorted(made.outputs) == ["loss_a_prob", "loss_b_prob"]
    n = NetSpec("regression")
    n.data, n.target = L.Input(shape=[[4, 2], [4, 3]], ntop=2)
    n.y = L.InnerProduct(n.data, num_output=3, weight_filler="xavier")
    n.loss = L.EuclideanLoss(n.y, n.target)
    made = Net(n, phase="train", seed=1).deploy(batch=2)
    assert (made.inputs, made.outputs, made.blobs["y"].shape) == (["data"], ["y"], (2, 3))


def test_a_net_for_images_already_stays_what_it_is() -> None:
    net = Net(zoo.lenet(), phase="test", seed=1)
    made = net.deploy(batch=2)
    assert [layer.name for layer in made.layers] == [layer.name for layer in net.layers]
    assert made.blobs["data"].shape == (2, 1, 28, 28)


def test_where_nothing_is_left_it_is_told() -> None:
    n = NetSpec("judged")
    n.data, n.label = L.Input(shape=[[4, 3], [4]], ntop=2)
    n.loss = L.EuclideanLoss(n.data, n.data)
    with pytest.raises(NetError, match="nothing to deploy"):
        Net(n, phase="train").deploy()


def test_a_trained_net_leaves_as_onnx_in_one_line(source: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the export extra and onnxruntime")
    pytest.importorskip("onnx", reason="needs the export extra")
    net = Net(zoo.lenet(source), phase="train", seed=1)
    with pytest.raises(NetError, match=r"net\.deploy\(\)"):
        export_onnx(net, tmp_path / "net.onnx")
    made = net.deploy(batch=2)
    export_onnx(made, tmp_path / "net.onnx")
    images = np.random.default_rng(0).random((2, 1, 28, 28), np.float32)
    found = onnxruntime.InferenceSession(tmp_path / "net.onnx").run(None, {"data": images})[0]
    np.testing.assert_allclose(found, made.forward(data=images)["prob"], atol=1e-5)


def test_images_are_prepared_as_they_were_in_training(tmp_path: Path) -> None:
    """From the files, too: a net that gets other pixels than in training is wrong without a word."""
    images = np.random.default_rng(0).integers(0, 256, (6, 10, 12, 3), np.uint8)
    n = NetSpec("colours")
    transform = dict(scale=1 / 64, mean_value=[100, 120, 140], crop_size=8, mirror=True)
    source = from_arrays(tmp_path / "set", images, np.arange(6) % 2)
    n.data, n.label = L.Data(source=source, batch_size=2, transform_param=transform, ntop=2)
    n.score = L.InnerProduct(n.data, num_output=2, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    net = Net(n, phase="train", seed=1)
    expected = net.predict(images).probabilities
    made = net.deploy()
    np.testing.assert_allclose(made.predict(images).probabilities, expected, atol=1e-6)
    made.save(tmp_path / "colours.caffemodel")
    again = Net(made.save_definition(tmp_path / "colours.prototxt"), tmp_path / "colours.caffemodel")
    np.testing.assert_allclose(again.predict(images).probabilities, expected, atol=1e-6)
    assert not again.graph.definition.layer[0].transform_param.mirror
    assert np.abs(expected[:, 0] - 0.5).max() > 0.01  # they differ
    np.testing.assert_allclose(again.deploy().predict(images).probabilities, expected, atol=1e-6)


def deployed(source: str, *, phase: str = "train", batch: int = 1, build: Callable[[NetSpec], None]) -> Net:
    n = NetSpec("mine")
    n.data, n.label = L.Data(source=source, batch_size=4, ntop=2)
    n.score = L.InnerProduct(n.data, num_output=10, weight_filler="xavier")
    build(n)
    return Net(n, phase=phase, seed=1).deploy(batch)


def test_a_softmax_that_is_there_stands_for_the_loss(source: str) -> None:
    def build(n: NetSpec) -> None:
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
        n.prob = L.Softmax(n.score)

    made = deployed(source, build=build)
    assert [(layer.name, layer.type) for layer in made.layers if layer.type != "Split"] == [
        ("data", "Input"), ("score", "InnerProduct"), ("prob", "Softmax")
    ]  # fmt: skip
    assert made.outputs == ["prob"]


def test_an_answer_is_called_as_nothing_else_is(source: str) -> None:
    def build(n: NetSpec) -> None:
        n.prob = L.InnerProduct(n.score, num_output=10, weight_filler="xavier")
        n.loss = L.SoftmaxWithLoss(n.prob, n.label)

    made = deployed(source, build=build)
    assert (made.outputs, [layer.name for layer in made.layers][-2:]) == (
        ["loss_prob"],
        ["prob", "loss_prob"],
    )


def test_probabilities_that_a_loss_gives_keep_their_name_and_readers(source: str) -> None:
    def build(n: NetSpec) -> None:
        n.loss, n.p = L.SoftmaxWithLoss(n.score, n.label, ntop=2)
        n.best = L.ArgMax(n.p)

    made = deployed(source, build=build)
    assert (made.inputs, made.outputs) == (["data"], ["best"])
    assert made.blobs["p"].shape == (1, 10)


def test_losses_that_are_only_looked_at_go_too(source: str) -> None:
    """As of Caffe's own autoencoder of digits."""

    def build(n: NetSpec) -> None:
        n.flat = L.Flatten(n.data)
        n.code = L.InnerProduct(n.flat, num_output=784, weight_filler="xavier")
        n.entropy = L.SigmoidCrossEntropyLoss(n.code, n.flat)
        n.out = L.Sigmoid(n.code)
        n.error = L.EuclideanLoss(n.out, n.flat, loss_weight=0)
        n.silence = L.Silence(n.label, n.score, ntop=0)

    made = deployed(source, build=build)
    assert made.inputs == ["data"]
    assert [layer.type for layer in made.layers if layer.type not in ("Split", "Silence")] == [
        "Input", "InnerProduct", "Flatten", "InnerProduct", "Sigmoid"
    ]  # fmt: skip


def test_labels_of_another_shape_go_as_labels_do(source: str) -> None:
    def build(n: NetSpec) -> None:
        n.column = L.Reshape(n.label, shape=dict(dim=[-1, 1]))
        n.flat = L.Flatten(n.column)
        n.loss = L.SoftmaxWithLoss(n.score, n.flat)
        n.accuracy = L.Accuracy(n.score, n.flat)

    for phase in ("train", "test"):
        made = deployed(source, phase=phase, build=build)
        assert (made.inputs, made.outputs) == (["data"], ["prob"])


def test_both_halves_of_a_siamese_net_stay() -> None:
    n = NetSpec("siamese")
    n.a, n.b, n.same = L.Input(shape=[[4, 1, 8, 8], [4, 1, 8, 8], [4]], ntop=3)
    shared = [dict(name="w"), dict(name="b")]
    n.fa = L.InnerProduct(n.a, num_output=2, weight_filler="xavier", param=shared)
    n.fb = L.InnerProduct(n.b, num_output=2, weight_filler="xavier", param=shared)
    n.pa, n.pb = L.Power(n.fa, scale=2), L.Power(n.fb, scale=2)
    n.loss = L.ContrastiveLoss(n.pa, n.pb, n.same)
    made = Net(n, phase="train", seed=1).deploy()
    assert (made.inputs, made.outputs) == (["a", "b"], ["pa", "pb"])


@pytest.mark.parametrize("batch", [0, -1, 2.5, "4"])
def test_a_batch_that_is_none_is_told(source: str, batch: Any) -> None:
    with pytest.raises(NetError, match="how many images"):
        deployed(source, batch=batch, build=lambda n: None)
