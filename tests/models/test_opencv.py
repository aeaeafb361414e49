"""OpenCV 4's Caffe importer, an independent reader, computes the same from the files that owlkit writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from owlkit import proto, zoo
from owlkit.net import Net
from owlkit.proto import text
from tests.support.shared import shared

cv2 = pytest.importorskip("cv2", reason="opencv-python-headless<5 is a test dependency")
if int(cv2.__version__.split(".")[0]) > 4:
    pytest.skip("OpenCV 5 reads Caffe's files no more", allow_module_level=True)

NETS = {
    "LeNet": (zoo.lenet, (3, 1, 28, 28)),
    "CaffeNet": (zoo.caffenet, (1, 3, 227, 227)),
    "GoogLeNet": (zoo.googlenet, (1, 3, 224, 224)),
    "SqueezeNet": (zoo.squeezenet, (1, 3, 227, 227)),
    "ResNet-20": (zoo.resnet_cifar, (2, 3, 32, 32)),
}


def make_net(make: Any, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Any, Net]:
    """A net whose signals neither grow nor vanish, so that its scores differ."""
    definition = proto.net_param(make())
    for layer in definition.layer:
        if layer.type == "Input":
            layer.input_param.shape[0].dim[:] = shape
    net = Net(definition, backward=False, seed=1)
    for layer in net.layers:
        for index, blob in enumerate(layer.blobs):
            if layer.type == "BatchNorm":
                values = [rng.normal(0, 0.2, blob.shape), rng.uniform(1, 3, blob.shape), 2.0][index]
            elif index == 0 and blob.ndim > 1:
                values = rng.standard_normal(blob.shape, np.float32)
                values *= np.float32(np.sqrt(1.5 / max(blob.count // blob.shape[0], 1)))
            else:
                values = rng.uniform(0.5, 1.5, blob.shape) if layer.type == "Scale" else 0.1
            blob.data[...] = values
    return definition, net


def read_by_opencv(folder: Path, definition: Any, net: Net, x: np.ndarray, output: str) -> np.ndarray:
    """Write both files, read them with OpenCV, and run what it made of them."""
    (folder / "net.prototxt").write_text(text.format(definition))
    net.save(folder / "net.caffemodel")
    reader = cv2.dnn.readNetFromCaffe(str(folder / "net.prototxt"), str(folder / "net.caffemodel"))
    reader.setInput(x, net.inputs[0])
    found: np.ndarray = reader.forward(output)
    return found


@pytest.mark.parametrize("name", NETS)
def test_written_files_are_read_with_equal_outputs(name: str, tmp_path: Path) -> None:
    make, shape = NETS[name]
    rng = np.random.default_rng(5)
    definition, net = make_net(make, shape, rng)
    x = rng.standard_normal(shape, np.float32)
    ((output, expected),) = net.forward(**{net.inputs[0]: x}).items()
    assert expected.std() > 1e-4, "scores that hardly differ compare nothing"
    found = read_by_opencv(tmp_path, definition, net, x, output)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize(
    ("folder", "weights"),
    [
        ("lenet", "lenet_iter_10000.caffemodel"),
        ("resnet20_cifar10", "ResNet_20.caffemodel"),
        ("squeezenet_v1.1", "squeezenet_v1.1.caffemodel"),
    ],
)
def test_published_weights_written_again(folder: str, weights: str, tmp_path: Path) -> None:
    """The upgraded definition and the weights of a published model, read, written, and read by OpenCV."""
    source = shared(f"models/{folder}")
    definition = proto.net_param(source / "deploy.prototxt")
    net = Net(definition, weights=source / weights, backward=False)
    shape = net.blobs[net.inputs[0]].shape
    net.blobs[net.inputs[0]].reshape(2, *shape[1:])
    x = np.random.default_rng(5).uniform(0, 1, (2, *shape[1:])).astype(np.float32)
    x *= 1 if folder == "lenet" else 120
    ((output, expected),) = net.forward(**{net.inputs[0]: x}).items()
    found = read_by_opencv(tmp_path, definition, net, x, output)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-3, atol=2e-5)


def test_a_wrong_weight_is_found(tmp_path: Path) -> None:
    """The comparison can fail."""
    rng = np.random.default_rng(5)
    definition, net = make_net(zoo.lenet, (1, 1, 28, 28), rng)
    x = rng.standard_normal((1, 1, 28, 28), np.float32)
    ((output, expected),) = net.forward(**{net.inputs[0]: x}).items()
    expected = expected.copy()
    net.learnable[-2].blob.data[0] *= -1
    found = read_by_opencv(tmp_path, definition, net, x, output)
    assert np.abs(found - expected).max() > 1e-3
