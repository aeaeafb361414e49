"""owlkit.inspect: what is known of a net, its weights, what moved, what it says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import owlkit
from owlkit import Graph, ImageInput, L, Net, NetSpec, zoo
from owlkit.core.errors import DataError, NetError
from owlkit.inspection.distribution import BINS, distribution
from owlkit.inspection.inspector import Inspector
from owlkit.inspection.movement import movement_report, movements
from owlkit.inspection.prediction import predict, read_labels
from owlkit.inspection.report import Report
from tests.support.shared import shared


def inspector(what: object, *args: object, **options: object) -> Inspector:
    found = owlkit.inspect(what, *args, **options)  # type: ignore[arg-type]
    assert isinstance(found, Inspector)
    return found


@pytest.fixture
def lenet() -> Net:
    return Net(zoo.lenet(batch_size=2), seed=1)


# -- distribution
def test_moments_and_histogram_by_hand() -> None:
    values = np.array([[-1.0, 1.0, 1.0, 3.0, 0.0, 2.0]], np.float32)
    d = distribution(values)
    # mean 1; differences -2 0 0 2 -1 1; squares sum to 10, fourth powers to 34
    assert (d.count, d.zeros, d.mean, d.low, d.high) == (6, 1, 1.0, -1.0, 3.0)
    assert d.std == pytest.approx(math.sqrt(10 / 6))
    assert d.kurtosis == pytest.approx((34 / 6) / (10 / 6) ** 2)
    assert d.limits == (-3.0, 3.0)
    assert d.counts.sum() == 6
    assert d.counts[BINS - 1] == 1, "the largest value is in the last bin"
    assert d.counts[BINS // 2] == 1


def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).standard_normal((40, 25)).astype(np.float32)
    whole = distribution(values)
    monkeypatch.setattr("owlkit.inspection.distribution.PIECE", 7)
    pieces = distribution(values)
    assert np.array_equal(whole.counts, pieces.counts)
    assert pieces.kurtosis == pytest.approx(whole.kurtosis)
    assert whole.kurtosis == pytest.approx(3, abs=0.5), "a normal distribution has 3"


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    d = distribution(np.array([1.0, np.nan, np.inf, 3.0]))
    assert (d.count, d.not_finite, d.mean) == (2, 2, 2.0)
    nothing = distribution(np.array([np.nan]))
    assert nothing.count == 0
    assert math.isnan(nothing.std)


def test_values_beyond_given_limits_are_told() -> None:
    d = distribution(np.array([-5.0, 0.5, 1.0, 7.0, 8.0]), (0.0, 1.0))
    assert (d.below, d.above, int(d.counts.sum())) == (1, 2, 2)


# -- movement
def test_movement_by_hand() -> None:
    a = {"ip": [np.array([3.0, 4.0]), np.array([1.0])], "gone": [np.array([1.0])]}
    b = {"ip": [np.array([3.0, -4.0]), np.array([1.0])], "new": [np.array([[1.0, 2.0]])]}
    found = {(m.layer, m.index): m for m in movements(a, b)}
    turned = found["ip", 0]
    assert turned.relative == pytest.approx(8 / 5)
    assert turned.cosine == pytest.approx((9 - 16) / 25)
    assert (turned.largest, turned.flipped) == (8.0, 0.5)
    assert found["ip", 1].relative == 0
    assert found["gone", 0].shapes == ((1,), None)
    assert not found["new", 0].comparable
    text = movement_report(list(found.values()), "old", "new").text()
    assert "3 of 4 learned blobs moved" in text
    assert "1 are the same to the last bit" in text


def test_from_zero_everything_is_infinitely_far() -> None:
    (m,) = movements({"x": [np.zeros(3)]}, {"x": [np.ones(3)]})
    assert m.relative == math.inf
    assert math.isnan(m.cosine)


# -- what it says
def test_labels_of_imagenet_and_plain_ones(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\nnine owls\n")
    assert read_labels(path) == ["tench", "goldfish", "nine owls"]
    assert read_labels(None) is None
    path.write_text("\n\n")
    with pytest.raises(DataError, match="has no lines"):
        read_labels(path)
    with pytest.raises(DataError, match="file of labels"):
        read_labels(tmp_path / "missing.txt")


def test_the_most_likely_classes_in_order() -> None:
    found = predict(np.log([0.1, 0.6, 0.3]), ["a", "b", "c"], softmax=True, k=2)
    assert (found.classes, found.names) == ([1, 2], ["b", "c"])
    assert found.shares == pytest.approx([0.6, 0.3])
    assert predict(np.array([0.2, 0.8]), None, softmax=False).names == ["class 1", "class 0"]
    with pytest.raises(NetError, match="3 classes, but there are 2 labels"):
        predict(np.ones(3), ["a", "b"], softmax=True)
    with pytest.raises(NetError, match="does not classify"):
        predict(np.ones((3, 2, 2)), None, softmax=True)


def test_an_image_is_classified_and_the_net_is_left_alone(lenet: Net) -> None:
    look_into = inspector(lenet, prepare=ImageInput(scale=1 / 256))
    before = lenet.blobs["conv1"].data.copy()
    image = np.random.default_rng(0).integers(0, 255, (40, 30), np.uint8)
    look = look_into.look(image)
    assert look.shown.shape == (28, 28)
    assert sum(look.predict(10).shares) == pytest.approx(1, abs=1e-5)
    assert look.blobs == ["data", "conv1", "pool1", "conv2", "pool2", "ip1", "ip2", "prob"]
    assert look.blob("pool2").shape == (50, 4, 4)
    assert np.array_equal(lenet.blobs["conv1"].data, before)
    with pytest.raises(NetError, match=r"no blob 'pol2'.*pool2"):
        look.blob("pol2")
    with pytest.raises(DataError, match="no image"):
        look_into.look()
    with pytest.raises(DataError, match="no image that can be read"):
        look_into.look(b"GIF or not")


def test_a_training_net_gives_probabilities_before_its_loss() -> None:
    net = Net(zoo.lenet(form="train", batch_size=2), phase="train", seed=1)
    found = inspector(net).classify(Image.new("L", (28, 28), 200), k=10)
    assert sum(found.shares) == pytest.approx(1, abs=1e-5)


def test_without_weights_nothing_is_run() -> None:
    with pytest.raises(NetError, match="no weights here"):
        inspector(zoo.lenet()).classify(Image.new("L", (28, 28)))
    n = NetSpec("flat")
    n.data = L.Input(shape=dict(dim=[1, 3, 8, 8]))
    n.pool = L.Pooling(n.data, kernel_size=2)
    with pytest.raises(NetError, match="no Softmax"):
        inspector(Net(n)).classify(Image.new("RGB", (8, 8)))


# -- what can be inspected
def test_nets_solvers_graphs_specs_and_files(lenet: Net, tmp_path: Path) -> None:
    lenet.save(tmp_path / "w.caffemodel")
    zoo.lenet().save(tmp_path / "net.prototxt")
    subjects = [
        inspector(lenet),
        inspector(zoo.lenet()),
        inspector(Graph(zoo.lenet())),
        inspector(tmp_path / "net.prototxt", tmp_path / "w.caffemodel"),
        inspector(str(tmp_path / "w.caffemodel")),
    ]
    for found in subjects:
        assert [layer.name for layer in found.layers][:3] == ["data", "conv1", "pool1"]
        assert "431 k parameters" in found.title
    assert subjects[0].distribution("ip1").std == subjects[3].distribution("ip1").std
    solver = owlkit.Solver(zoo.lenet(form="train"), base_lr=0.1, max_iter=1)
    assert inspector(solver).subject.net is solver.net


def test_other_files_give_a_report(lenet: Net, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    lenet.save(tmp_path / "w.safetensors")
    assert isinstance(owlkit.inspect(tmp_path / "w.safetensors"), Report)
    with pytest.raises(TypeError, match="a net is defined by"):
        owlkit.inspect(3)
    with pytest.raises(NetError, match="weights of its own"):
        owlkit.inspect(lenet, tmp_path / "w.safetensors")


def test_missing_data_are_assumed_by_the_crop_and_the_weights(tmp_path: Path) -> None:
    n = NetSpec("gray")
    n.data, n.label = L.Data(
        source=str(tmp_path / "nowhere"), batch_size=4, backend=1, transform_param=dict(crop_size=12), ntop=2
    )
    n.conv1 = L.Convolution(n.data, num_output=2, kernel_size=3)
    n.ip = L.InnerProduct(n.conv1, num_output=2)
    n.loss = L.SoftmaxWithLoss(n.ip, n.label)
    found = inspector(n, phase="train")
    assert found.layers[0].top_shapes == ((4, 3, 12, 12), (4,))
    assert "shape is assumed" in found.notes[0]
    assert "shape is assumed" in repr(found)


def test_without_shapes_names_and_connections_are_left(tmp_path: Path) -> None:
    n = NetSpec("somewhere")
    n.data = L.Data(source=str(tmp_path / "nowhere"), batch_size=4, backend=1)
    n.ip = L.InnerProduct(n.data, num_output=2)
    found = inspector(n)
    assert [(w.source, w.target) for w in found.cards().sheet.wires] == [("data", "ip")]
    assert "no shapes, because" in repr(found)
    assert "<svg" in found._repr_html_()


# -- words
def test_the_table_has_receptive_fields_by_hand() -> None:
    """CaffeNet: conv1 11, conv2 11 + 4*2 (pool) + 4*8 = 51, ..., conv5 163, fc6 the whole of 355."""
    fields = {layer.name: layer.field for layer in inspector(zoo.caffenet()).layers if layer.field}
    sizes = [fields[name].height.size for name in ("conv1", "conv2", "conv3", "conv5", "fc6")]
    assert sizes == [11, 51, 99, 163, 355]


def test_parameters_and_multiply_adds_of_caffenet() -> None:
    found = inspector(zoo.caffenet(batch_size=1))
    by_name = {layer.name: layer for layer in found.layers}
    assert by_name["conv3"].parameters == 384 * 256 * 9 + 384
    assert by_name["conv3"].macs == 384 * 13 * 13 * 256 * 9
    assert sum(layer.parameters for layer in found.layers) == 60_965_224
    assert sum(layer.macs or 0 for layer in found.layers) == 724_406_816


def test_a_comparison_tells_what_moved(lenet: Net, tmp_path: Path) -> None:
    lenet.save(tmp_path / "before.caffemodel")
    lenet.params["conv2"][0].data[...] *= 1.5
    found = inspector(lenet, compare=tmp_path / "before.caffemodel")
    assert found.moved()["conv2"] == pytest.approx(0.5, rel=1e-5)
    assert found.moved()["ip1"] == 0
    assert "1 of 8 learned blobs moved" in repr(found)
    with pytest.raises(NetError, match="nothing to compare with"):
        inspector(lenet).movement_report()


def test_phases_and_unknown_names(lenet: Net) -> None:
    train = inspector(zoo.lenet(form="train"), phase="train")
    train.show_phase("test")
    assert "accuracy" in [layer.name for layer in train.layers]
    with pytest.raises(NetError, match="only test"):
        inspector(lenet).show_phase("train")
    with pytest.raises(NetError, match=r"no layer 'conv' .*conv1"):
        inspector(lenet).distribution("conv")
    with pytest.raises(NetError, match="no learned blob 2"):
        inspector(lenet).distribution("conv1", 2)


@pytest.mark.parametrize("model", ["bvlc_alexnet", "bvlc_googlenet", "bvlc_reference_rcnn_ilsvrc13"])
def test_the_definitions_of_caffe(model: str) -> None:
    found = inspector(shared(f"models/bvlc/models/{model}/deploy.prototxt"))
    assert found.subject.graph is not None
    assert "<svg" in found.svg()


def test_a_published_net_names_its_photograph() -> None:
    folder = shared("models/squeezenet_v1.1")
    photographs = shared("data/imagenet-sample")
    found = inspector(
        folder / "deploy.prototxt",
        folder / "squeezenet_v1.1.caffemodel",
        labels=photographs / "synset_words.txt",
        prepare=ImageInput(mean=(103.53, 116.28, 123.675)),
    )
    (path,) = photographs.rglob("n01440764_tench.JPEG")
    assert found.classify(path).names[0] == "tench"
