"""Detector: windows cut by hand, with and without context, and SqueezeNet on windows of photographs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from owlkit import caffe
from owlkit.caffe import layers as L
from owlkit.caffe import params as P
from owlkit.core.errors import DataError
from owlkit.io.files import write_bytes
from tests.support.shared import shared


@pytest.fixture
def means(tmp_path: Path) -> tuple[str, str]:
    """A net for 8x8 images whose output is the mean of each channel."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[2, 3, 8, 8]))
    n.mean = L.Pooling(n.data, pool=P.Pooling.AVE, global_pooling=True)
    (tmp_path / "means.prototxt").write_text(str(n.to_proto()))
    write_bytes(tmp_path / "means.caffemodel", n.to_proto().SerializeToString())
    return str(tmp_path / "means.prototxt"), str(tmp_path / "means.caffemodel")


def _image() -> np.ndarray:
    return np.random.default_rng(0).random((20, 20, 3)).astype(np.float32)


def test_a_window_alone(means: tuple[str, str]) -> None:
    image = _image()
    detector = caffe.Detector(*means)
    np.testing.assert_array_equal(detector.crop(image, (3, 4, 9, 15)), image[3:9, 4:15])
    assert list(detector.crop_dims) == [8, 8, 3]


def test_a_window_with_context_inside_the_image(means: tuple[str, str]) -> None:
    """2 of 8 pixels on each side: a box of 4 about (8, 8) grows to 8, from 4 to 12; nothing is resized."""
    image = _image()
    detector = caffe.Detector(*means, context_pad=2)
    np.testing.assert_allclose(detector.crop(image, np.array([6, 6, 9, 9])), image[4:12, 4:12], rtol=1e-6)


def test_context_outside_the_image_is_the_mean(means: tuple[str, str]) -> None:
    """About (2, 2) the box reaches from -2 to 6: two rows and columns of the input lie outside.

    The mean is told in the net's channels and scale; here it is wanted in the image's.
    """
    image = _image()
    detector = caffe.Detector(
        *means, mean=np.array([25.5, 51.0, 102.0]), raw_scale=255, channel_swap=(2, 1, 0), context_pad=2
    )
    crop = detector.crop(image, (0, 0, 3, 3))
    np.testing.assert_allclose(crop[2:, 2:], image[:6, :6], rtol=1e-6)
    np.testing.assert_allclose(crop[:2], np.broadcast_to([0.4, 0.2, 0.1], (2, 8, 3)), rtol=1e-6)
    np.testing.assert_allclose(crop[:, :2], np.broadcast_to([0.4, 0.2, 0.1], (8, 2, 3)), rtol=1e-6)
    ready = detector.transformer.preprocess("data", crop)
    np.testing.assert_allclose(ready[:, :2], 0, atol=1e-4)
    # At the far end: about (19, 19), from 15 to 20 of the image, then the mean.
    crop = detector.crop(image, (17, 17, 20, 20))
    np.testing.assert_allclose(crop[7], np.broadcast_to([0.4, 0.2, 0.1], (8, 3)), rtol=1e-6)
    assert abs(crop[:4, :4] - 0.4).max() > 0.1


def test_context_takes_a_mean_image_or_none(means: tuple[str, str]) -> None:
    mean = np.random.default_rng(1).random((3, 8, 8))
    detector = caffe.Detector(*means, mean=mean, context_pad=2)
    crop = detector.crop(_image(), (0, 0, 3, 3))
    np.testing.assert_allclose(crop[:2], mean.transpose(1, 2, 0)[:2], rtol=1e-6)
    assert (caffe.Detector(*means, context_pad=2).crop(_image(), (0, 0, 3, 3))[:2] == 0).all()


def test_windows_of_several_files(means: tuple[str, str], tmp_path: Path) -> None:
    """Three windows in batches of two; the answers come in the order of the windows."""
    pixels = (_image() * 255).astype(np.uint8)
    for number in range(2):
        Image.fromarray(pixels + np.uint8(number)).save(tmp_path / f"{number}.png")
    files = [str(tmp_path / f"{number}.png") for number in range(2)]
    windows = [[np.array([0, 0, 8, 8]), (2, 3, 10, 11)], [(12, 12, 20, 20)]]
    found = caffe.Detector(*means).detect_windows(zip(files, windows, strict=True))
    assert [one["filename"] for one in found] == [files[0], files[0], files[1]]
    assert [list(one["window"]) for one in found] == [[0, 0, 8, 8], [2, 3, 10, 11], [12, 12, 20, 20]]
    expected = [pixels[0:8, 0:8], pixels[2:10, 3:11], (pixels + np.uint8(1))[12:20, 12:20]]
    for one, part in zip(found, expected, strict=True):
        np.testing.assert_allclose(one["prediction"].ravel(), part.mean((0, 1)) / 255, rtol=1e-5)
    assert caffe.Detector(*means).detect_windows([(files[0], [])]) == []


def test_mistakes_are_told(means: tuple[str, str], tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "a.png")
    for context in (None, 2):
        detector = caffe.Detector(*means, context_pad=context)
        with pytest.raises(DataError, match=r"shows nothing of an image of 20x20; image .*a\.png"):
            detector.detect_windows([(str(tmp_path / "a.png"), [(40, 40, 50, 50)])])
    with pytest.raises(DataError, match="square input of more than 8 pixels"):
        caffe.Detector(*means, context_pad=4)


def test_selective_search_is_someone_elses(
    means: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = caffe.Detector(*means)
    Image.fromarray(np.full((20, 20, 3), 51, np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "selective_search_ijcv_with_python", None)
    with pytest.raises(ImportError, match=r"MATLAB; or take windows from another method"):
        detector.detect_selective_search([str(tmp_path / "a.png")])

    def get_windows(files: list[str], cmd: str) -> list[Any]:
        assert cmd == "selective_search_rcnn"
        return [np.array([[0, 0, 8, 8]]) for _ in files]

    search = ModuleType("selective_search_ijcv_with_python")
    search.get_windows = get_windows  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, search.__name__, search)
    monkeypatch.chdir(tmp_path)
    (one,) = detector.detect_selective_search(["a.png"])
    assert one["filename"] == str(tmp_path / "a.png")
    np.testing.assert_allclose(one["prediction"].ravel(), 0.2, rtol=1e-6)


def test_squeezenet_on_a_window() -> None:
    """The window that is the whole photograph gives what the Classifier gives; a corner of it does not."""
    folder, photographs = shared("models/squeezenet_v1.1"), shared("data/imagenet-sample")
    options: dict[str, Any] = dict(
        mean=np.array([103.53, 116.28, 123.675]), raw_scale=255, channel_swap=(2, 1, 0)
    )
    files = [str(folder / "deploy.prototxt"), str(folder / "squeezenet_v1.1.caffemodel")]
    photograph = str(photographs / "n01440764_tench.JPEG")
    image = caffe.io.load_image(photograph)
    height, width = image.shape[:2]
    detector = caffe.Detector(*files, **options)
    whole, corner = detector.detect_windows([(photograph, [(0, 0, height, width), (0, 0, 40, 40)])])
    classified = caffe.Classifier(*files, **options).predict([image], oversample=False)[0]
    np.testing.assert_allclose(whole["prediction"], classified, atol=1e-6)
    assert classified.argmax() == 0
    assert corner["prediction"][0] < 0.5
