"""Classifier: on a net whose output is known by hand, and on SqueezeNet with photographs."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from owlkit import caffe
from owlkit.caffe import layers as L
from owlkit.caffe import params as P
from owlkit.core.errors import DataError
from owlkit.io.files import write_bytes
from tests.support.shared import shared


@pytest.fixture
def means(tmp_path: Path) -> tuple[str, str]:
    """A net whose output is the mean of each channel: (files of its definition and its (no) weights)."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[4, 3, 2, 2]))
    n.mean = L.Pooling(n.data, pool=P.Pooling.AVE, global_pooling=True)
    (tmp_path / "means.prototxt").write_text(str(n.to_proto()))
    write_bytes(tmp_path / "means.caffemodel", n.to_proto().SerializeToString())
    return str(tmp_path / "means.prototxt"), str(tmp_path / "means.caffemodel")


def test_centre_and_ten_crops_by_hand(means: tuple[str, str]) -> None:
    classifier = caffe.Classifier(
        *means, image_dims=(4, 4), raw_scale=2, mean=np.array([1.0, 0, 0]), channel_swap=(2, 1, 0)
    )
    image = np.zeros((4, 4, 3), np.float32)
    image[..., 2] = np.arange(16).reshape(4, 4)  # the channel that the swap brings to the front
    image[0, 0, 1] = 8
    centre = classifier.predict([image], oversample=False)
    assert centre.shape == (1, 3, 1, 1)
    np.testing.assert_allclose(centre.ravel(), [2 * (5 + 6 + 9 + 10) / 4 - 1, 0, 0])
    # One of five crops, and its mirror, sees the pixel at the top left; ramps average to the centre's value.
    averaged = classifier.predict([image, image], oversample=True)
    assert (averaged.shape, averaged.dtype) == ((2, 3), np.float32)
    np.testing.assert_allclose(averaged, [[14, 2 * (8 / 4) / 5, 0]] * 2, rtol=1e-6)


def test_without_image_dims_the_whole_image_is_seen(means: tuple[str, str]) -> None:
    classifier = caffe.Classifier(*means)
    assert (list(classifier.image_dims), list(classifier.crop_dims)) == ([2, 2], [2, 2])
    image = np.random.default_rng(0).random((2, 2, 3), np.float32)
    np.testing.assert_allclose(classifier.predict([image] * 5)[4], image.mean((0, 1)), rtol=1e-5)
    # The images' sizes may differ.
    both = classifier.predict([np.full((9, 5, 3), 0.5), image], oversample=False)
    np.testing.assert_allclose(both[0].ravel(), 0.5)


def test_mistakes_are_told(means: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one image or more"):
        caffe.Classifier(*means).predict([])
    with pytest.raises(DataError, match="crops of 2x2 are larger"):
        caffe.Classifier(*means, image_dims=(1, 4)).predict([np.zeros((4, 4, 3))])
    flat = caffe.to_proto(L.InnerProduct(L.Input(shape=dict(dim=[1, 5])), num_output=2))
    (tmp_path / "flat.prototxt").write_text(str(flat))
    with pytest.raises(DataError, match=r"first input is 'Input1' of \(1, 5\)"):
        caffe.Classifier(str(tmp_path / "flat.prototxt"), None)


# -- SqueezeNet 1.1
BGR_MEAN = np.array([103.53, 116.28, 123.675])


def _squeezenet(**options: object) -> caffe.Classifier:
    folder = shared("models/squeezenet_v1.1")
    return caffe.Classifier(
        str(folder / "deploy.prototxt"), str(folder / "squeezenet_v1.1.caffemodel"), mean=BGR_MEAN, **options
    )


@functools.cache
def _expected() -> dict[str, np.ndarray]:
    with np.load(shared("models/squeezenet_v1.1/expected_200.npz")) as stored:
        return dict(stored)


def test_squeezenet_on_the_exact_crops() -> None:
    """Crops as they were fed to the independent reader: equal outputs."""
    expected, count = _expected(), 20
    crops = [crop.astype(np.float32) for crop in expected["input_u8_bgr"][:count]]
    found = _squeezenet().predict(crops, oversample=False)
    np.testing.assert_allclose(found[:, :, 0, 0], expected["softmax"][:count], rtol=0, atol=2e-5)


def test_squeezenet_on_photographs() -> None:
    """From the files: resized in float, where the reader rounded to bytes; so the classes and near values."""
    expected, count = _expected(), 20
    classifier = _squeezenet(raw_scale=255, channel_swap=(2, 1, 0), image_dims=(256, 256))
    folder = shared("data/imagenet-sample")
    images = [caffe.io.load_image(str(folder / name)) for name in expected["files"][:count]]
    centre = classifier.predict(images, oversample=False)[:, :, 0, 0]
    assert np.array_equal(centre.argmax(1), expected["top5"][:count, 0])
    np.testing.assert_allclose(centre.max(1), expected["top5_prob"][:count, 0], rtol=0, atol=0.03)
    # Ten crops: 1 in all, and with the labels at most by one image worse than the centre.
    label, averaged = expected["label"][:8], classifier.predict(images[:8])
    np.testing.assert_allclose(averaged.sum(1), 1, rtol=1e-5)
    right = (averaged.argmax(1) == label).sum()
    assert right >= (centre[:8].argmax(1) == label).sum() - 1
    assert right >= 4
    assert not np.allclose(averaged, centre[:8], atol=1e-3)
