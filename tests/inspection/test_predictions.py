"""net.predict: what a net says of images, and where it is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import owlkit
from owlkit import ImageInput, L, Net, NetSpec
from owlkit.core.errors import DataError, NetError
from owlkit.datasets import from_arrays
from owlkit.inspection.image_input import input_of
from owlkit.inspection.prediction import Prediction
from owlkit.inspection.predictions import Predictions

SIDE, CROP = 8, 6


def brightness(source: str | None = None, phase: str = "test", **transform: Any) -> Net:
    """Three classes: how bright the middle of a gray image is, 0, 100 or 200."""
    n = NetSpec("brightness")
    if source is None:
        n.data = L.Input(shape=[2, 1, CROP, CROP])
    else:
        n.data, n.label = L.Data(
            source=source, batch_size=2, transform_param=dict(crop_size=CROP, **transform), ntop=2
        )
    n.score = L.InnerProduct(n.data, num_output=3)
    if source is None:
        n.prob = L.Softmax(n.score)
    else:
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
    net = Net(n, phase=phase, seed=1)
    # The score of class k is 2 k m / s - k^2 of the mean m, largest where m is nearest to k s.
    weights, bias = net.params["score"]
    for k in range(3):
        weights.data[k] = 2 * k / 100 / CROP**2
        bias.data[k] = -(k**2)
    return net


def gray(*levels: int) -> np.ndarray:
    """(N, 8, 8): the level inside, and a border of another one, which a crop of 6 cuts off."""
    images = np.full((len(levels), SIDE, SIDE), 255, np.uint8)
    for image, level in zip(images, levels, strict=True):
        image[1:-1, 1:-1] = level
    return images


def test_one_image_is_a_prediction(tmp_path: Path) -> None:
    net = brightness()
    image = gray(100)[0, 1:-1, 1:-1]
    Image.fromarray(image).save(tmp_path / "one.png")
    for one in (image, tmp_path / "one.png", str(tmp_path / "one.png"), Image.fromarray(image),
                image[None].astype(np.float32)):  # fmt: skip
        said = net.predict(one, labels=["dark", "medium", "bright"], top=2)
        assert isinstance(said, Prediction)
        assert said.names[0] == "medium"
        assert len(said.classes) == 2


def test_many_images_are_judged_by_what_is_known_of_them(tmp_path: Path) -> None:
    """Of a set its labels, of an array what is given; and cut as the data layer cuts it."""
    images = gray(0, 100, 200, 200, 0)
    source = from_arrays(tmp_path / "set", images, [0, 1, 2, 1, 0])
    net = brightness(source)
    for said in (net.predict(source), net.predict(images, truth=[0, 1, 2, 1, 0])):
        assert isinstance(said, Predictions)
        assert said.best.tolist() == [0, 1, 2, 2, 0]
        assert said.accuracy == 0.8
        assert said.confusion.tolist() == [[2, 0, 0], [0, 1, 1], [0, 0, 1]]
        assert said.wrong.tolist() == [3]
        assert said[3].classes[0] == 2
        np.testing.assert_allclose(said.probabilities.sum(1), 1, 1e-5)
        assert "80.0% right, 1 wrong" in repr(said)
    assert net.predict(source).names[1] == "00000001"


def test_a_training_net_answers_as_its_test_net(tmp_path: Path) -> None:
    """Crops lie in the middle, pixels are scaled: accuracy is that of the solver's own test."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 3, SIDE, SIDE), np.uint8)
    labels = (images[:, 0].mean((1, 2)) > images[:, 2].mean((1, 2))).astype(int)
    source = from_arrays(tmp_path / "set", images, labels)

    def net(phase: str) -> NetSpec:
        n = NetSpec("colours")
        transform = dict(scale=1 / 255, mean_value=[110, 120, 130], crop_size=CROP, mirror=False)
        n.data, n.label = L.Data(source=source, batch_size=16, transform_param=transform, ntop=2)
        n.score = L.InnerProduct(n.data, num_output=2, weight_filler="xavier")
        n.loss = L.SoftmaxWithLoss(n.score, n.label)
        if phase == "test":
            n.accuracy = L.Accuracy(n.score, n.label)
        return n

    solver = owlkit.Solver(net("train"), test=net("test"), base_lr=0.01, max_iter=9, test_interval=9, seed=1)
    solver.step(5)
    expected = solver.test()["accuracy"]
    assert 0.2 < expected < 0.98  # else all ways of preparing would do
    said = solver.net.predict(source)
    assert said.accuracy == pytest.approx(expected)
    as_planes = solver.net.predict(images)
    np.testing.assert_allclose(as_planes.probabilities, said.probabilities, atol=1e-6)


def test_folders_know_their_classes_by_name(tmp_path: Path) -> None:
    for name, level in (("bright", 200), ("dark", 0)):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.fromarray(gray(level)[0, 1:-1, 1:-1]).save(tmp_path / name / f"{k}.png")
    said = brightness().predict(tmp_path, labels=["dark", "medium", "bright"])
    assert said.accuracy == 1
    assert said.names == ["bright/0.png", "bright/1.png", "dark/0.png", "dark/1.png"]
    assert brightness().predict(tmp_path).truth is None


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    net = brightness()
    images = gray(0, 100)
    unknown = net.predict(images)
    for asked in ("accuracy", "confusion", "wrong"):
        with pytest.raises(DataError, match="give truth="):
            getattr(unknown, asked)
    with pytest.raises(DataError, match=r"truth is for several images; .*predict\(\[image\]"):
        net.predict(images[0], truth=[0])
    with pytest.raises(DataError, match="truth has 1 labels for 2 images"):
        net.predict(images, truth=[0])
    for truth in ([0, 1, 2], [[0, 1, 2], [0, 1, 2]]):
        with pytest.raises(DataError, match=r"truth has \d labels for 2 images"):
            net.predict(images, truth=truth)
    with pytest.raises(DataError, match="the name 'owl', which is none of labels="):
        net.predict(images, truth=["a", "owl"], labels=["a", "b", "c"])
    with pytest.raises(DataError, match="number of the right class"):
        net.predict(images, truth=[0.3, 1])
    with pytest.raises(NetError, match="3 classes, but there are 2 labels"):
        net.predict(images, labels=["a", "b"])
    with pytest.raises(DataError, match="found NoneType"):
        net.predict(None)
    with pytest.raises(DataError, match="limit is -1"):
        net.predict(images, limit=-1)
    with pytest.raises(DataError, match="labels go from 0 to 7, but the net tells 3 classes apart"):
        net.predict(images, truth=[0, 7])
    with pytest.raises(DataError, match="no images"):
        net.predict([])
    with pytest.raises(DataError, match=r"missing\.jpg' cannot be read as an image: .*No such file"):
        net.predict("missing.jpg")
    n = NetSpec("no classes")
    n.data = L.Input(shape=[1, 1, CROP, CROP])
    n.y = L.ReLU(n.data)
    with pytest.raises(NetError, match="no Softmax"):
        Net(n).predict(images)


def test_truth_by_name_and_of_more_than_are_taken() -> None:
    net, images, names = brightness(), gray(0, 100, 200)[:, 1:-1, 1:-1], ["dark", "medium", "bright"]
    said = net.predict((image for image in images), truth=["dark", "medium", "dark"], labels=names)
    assert said.truth.tolist() == [0, 1, 0]
    assert said.wrong.tolist() == [2]
    assert [p.names[0] for p in said[1:]] == ["medium", "bright"]
    assert net.predict(images, truth=[0, 1, 0], limit=2).accuracy == 1


def test_labels_that_a_loss_passes_over_are_not_counted(tmp_path: Path) -> None:
    images = gray(0, 100, 200)
    said = brightness(from_arrays(tmp_path / "set", images, [0, -1, 1])).predict(str(tmp_path / "set"))
    assert said.accuracy == 0.5
    assert said.confusion.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert said.wrong.tolist() == [2]
    said = brightness().predict(images[:, 1:-1, 1:-1], truth=[-1, -1, -1])
    assert said.truth is None


def test_truth_of_a_folder_of_which_some_are_left_out_is_of_those_that_are_taken(tmp_path: Path) -> None:
    """From subfolders images are taken evenly: the first labels of all would be others."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for k in range(2):
            Image.fromarray(gray(0)[0]).save(tmp_path / name / f"{k}.png")
    with pytest.raises(DataError, match="truth has 4 labels for 2 images"):
        brightness().predict(tmp_path, truth=[0, 0, 1, 1], limit=2)
    assert brightness().predict(tmp_path, truth=[0, 1], limit=2).truth.tolist() == [0, 1]


def test_the_figure_shows_confusion_and_mistakes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="figures need the notebook extra")
    images = gray(0, 100, 200, 200, 0)
    images = images[:, 1:-1, 1:-1]
    said = brightness().predict(images, truth=[0, 1, 2, 1, 0], labels=["dark", "medium", "bright"])
    texts = {text.get_text() for axis in said.figure().axes for text in axis.texts}
    assert {"2", "1"} <= texts
    titles = [axis.get_title() for axis in said.figure().axes]
    assert "80.0% of 5 right" in titles
    assert any(title.startswith("bright") and title.endswith("is medium") for title in titles)
    said.save(tmp_path / "confusion.png")
    brightness().predict(images).save(tmp_path / "unknown.png")
    assert (tmp_path / "unknown.png").stat().st_size > 5000


def test_photographs_are_brought_to_the_size_of_records_before_they_are_cut(tmp_path: Path) -> None:
    source = from_arrays(tmp_path / "set", gray(0, 200), [0, 2])
    prepare = input_of(brightness(source, "train"))
    assert prepare.before == (SIDE, SIDE)
    twice = np.kron(gray(100)[0], np.ones((2, 2), np.uint8))  # a photograph of twice the size
    assert prepare(twice, (1, 1, CROP, CROP))[0, 1:-1, 1:-1] == pytest.approx(100)
    assert ImageInput()(twice, (1, 1, CROP, CROP))[0, 0, 0] > 100  # else with the border
    assert prepare(twice, (1, 1, 10, 10)).shape == (1, 10, 10)  # an input that was enlarged since


def test_pixels_that_nobody_prepares_are_remarked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of a published net, mostly: its files do not say that a mean is to be taken off."""
    told = "does not say how its images are prepared"
    images = gray(0, 100)[:, 1:-1, 1:-1]
    brightness().predict(images)
    assert told in caplog.text
    caplog.clear()
    brightness().predict(images, prepare=ImageInput())
    brightness().predict(list(images[:, None].astype(np.float32)))
    source = from_arrays(tmp_path / "set", gray(0, 100), [0, 1])
    net = brightness(source)
    net.predict(source)
    net.deploy().predict(source)
    assert told not in caplog.text


@pytest.mark.parametrize(
    ("shape", "dtype", "transform"),
    [
        ((6, 12, 10, 3), np.float32, dict(scale=1 / 128, mean_value=[100, 110, 120])),
        ((6, 12, 10), np.float32, dict(scale=1 / 128, crop_size=8)),
        ((6, 5, 12, 10), np.uint8, dict(scale=1 / 128, mean_value=100, crop_size=8)),
    ],
    ids=["floats", "gray floats", "five channels"],
)
def test_records_that_are_no_photographs_are_prepared_too(
    tmp_path: Path, shape: tuple[int, ...], dtype: Any, transform: dict[str, Any]
) -> None:
    """Floats of an array count as prepared; those of a set are what the data layer begins with."""
    images = (np.random.default_rng(0).random(shape) * 255).astype(dtype)
    source = from_arrays(tmp_path / "set", images, np.arange(6) % 3)
    n = NetSpec("records")
    n.data, n.label = L.Data(source=source, batch_size=6, transform_param=transform, ntop=2)
    n.score = L.InnerProduct(n.data, num_output=3, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    net = Net(n, phase="test", seed=1)
    net.forward(end="score")
    scores = np.exp(net.blobs["score"].data)
    expected = scores / scores.sum(1, keepdims=True)
    for asked in (net, net.deploy()):
        np.testing.assert_allclose(asked.predict(source).probabilities, expected, atol=1e-6)


def test_records_of_another_size_are_told(tmp_path: Path) -> None:
    source = from_arrays(tmp_path / "set", np.zeros((2, CROP + 1, CROP)), [0, 1])
    with pytest.raises(DataError, match=r"record of shape \(1, 7, 6\) does not fit .*\(1, 6, 6\)"):
        brightness().predict(source)


@pytest.mark.parametrize("transform", [{}, dict(scale=1 / 128, mean_value=[90, 100, 110], crop_size=32)])
def test_image_files_are_warped_as_an_image_data_layer_does_it(
    tmp_path: Path, transform: dict[str, Any]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), np.uint8)
    files = [str(tmp_path / f"{k}.png") for k in range(2)]
    for file, image in zip(files, pixels, strict=True):
        Image.fromarray(image).save(file)
    (tmp_path / "list.txt").write_text("".join(f"{file} 0\n" for file in files))
    n = NetSpec("files")
    n.data, n.label = L.ImageData(
        source=str(tmp_path / "list.txt"), batch_size=2, new_height=40, new_width=40,
        transform_param=transform, ntop=2,
    )  # fmt: skip
    n.score = L.InnerProduct(n.data, num_output=2, weight_filler="xavier")
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    net = Net(n, phase="test", seed=1)
    net.forward()
    expected = net.blobs["data"].data
    net.deploy().save_definition(tmp_path / "deploy.prototxt")
    for asked in (net, Net(tmp_path / "deploy.prototxt")):
        prepare = input_of(asked)
        for file, image in zip(files, expected, strict=True):
            np.testing.assert_allclose(prepare(file, image.shape), image, atol=1.01 * prepare.scale)
