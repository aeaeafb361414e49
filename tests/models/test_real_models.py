"""Published models with their published weights: outputs on real images as an independent reader has them.

The expected outputs are OpenCV 4's; they agree with BVLC Caffe within 3e-5 (models/README.md). Tolerances are
absolute: 2e-5 for probabilities, which is what float32 sums in another order make of them; 1e-4 for other
outputs (coordinates of faces, of the order of 1).
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest

from owlkit import proto
from owlkit.cli.main import main
from owlkit.datasets.convert import write_images
from owlkit.datasets.idx import read_idx
from owlkit.io.mean import read_mean
from owlkit.net import Net
from owlkit.solvers import Solver
from tests.models.sets import lay_out
from tests.support.shared import shared

PROBABILITY, OUTPUT = 2e-5, 1e-4


def predict(net: Net, name: str, images: np.ndarray, batch: int) -> np.ndarray:
    """Output `name`, (N, ...), of all images, in batches."""
    source = net.inputs[0]
    net.blobs[source].reshape(batch, *images.shape[1:])
    parts = []
    for start in range(0, len(images), batch):
        parts.append(net.forward(**{source: images[start : start + batch]})[name].copy())
    return np.concatenate(parts)


def load(model: str) -> dict[str, np.ndarray]:
    with np.load(shared(f"models/{model}.npz")) as stored:
        return {name: stored[name] for name in stored.files}


def assert_near(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


# -- LeNet, trained by Caffe in 2014
@functools.cache
def mnist_test_images() -> tuple[np.ndarray, np.ndarray]:
    """(10000, 1, 28, 28) float32 in [0, 1), and their labels."""
    images = read_idx(shared("data/mnist/t10k-images-idx3-ubyte.gz"))
    labels = read_idx(shared("data/mnist/t10k-labels-idx1-ubyte.gz"))
    return images[:, None].astype(np.float32) / 256, labels


@pytest.mark.parametrize("definition", ["deploy", "deploy_v1"])
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
def test_lenet(definition: str, fuse: bool) -> None:
    folder, expected = shared("models/lenet"), load("lenet/expected_first2000")
    net = Net(folder / f"{definition}.prototxt", weights=folder / "lenet_iter_10000.caffemodel", fuse=fuse)
    images, labels = mnist_test_images()
    assert np.array_equal(labels[:2000], expected["label"])
    assert_near(predict(net, "prob", images[:2000], 500), expected["prob"], PROBABILITY)


def test_lenet_in_float64() -> None:
    folder, expected = shared("models/lenet"), load("lenet/expected_first2000")
    net = Net(folder / "deploy.prototxt", weights=folder / "lenet_iter_10000.caffemodel", dtype="float64")
    images, _ = mnist_test_images()
    assert_near(predict(net, "prob", images[:300], 100), expected["prob"][:300], PROBABILITY)


def test_accuracy_of_lenet() -> None:
    folder = shared("models/lenet")
    net = Net(folder / "deploy.prototxt", weights=folder / "lenet_iter_10000.caffemodel")
    images, labels = mnist_test_images()
    right = predict(net, "prob", images, 1000).argmax(1) == labels
    assert right.mean() == 0.9905 == load("lenet/expected_first2000")["accuracy_10000"]


def test_accuracy_of_lenet_from_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way of a user: an LMDB set, Caffe's training definition, `owlkit test`."""
    folder, bvlc = shared("models/lenet"), shared("models/bvlc/examples/mnist")
    monkeypatch.chdir(tmp_path)
    Path("examples/mnist").mkdir(parents=True)
    images, labels = mnist_test_images()
    whole = (images * 256).astype(np.uint8)
    write_images(Path("examples/mnist/mnist_test_lmdb"), whole, labels.astype(np.int64), shuffle=3)
    definition, weights = bvlc / "lenet_train_test.prototxt", folder / "lenet_iter_10000.caffemodel"
    options = ["-weights", str(weights), "-iterations", "100", "--json"]
    assert main(["test", "-model", str(definition), *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outputs"]["accuracy"] == pytest.approx(0.9905, abs=1e-6)


def test_training_goes_on_from_the_state_of_2014(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, histories, iteration and rate are taken over; Caffe kept no position in the data."""
    folder, bvlc = shared("models/lenet"), shared("models/bvlc/examples/mnist")
    monkeypatch.chdir(tmp_path)
    lay_out(bvlc / "lenet_train_test.prototxt", tmp_path)
    param = proto.read_solver(bvlc / "lenet_solver.prototxt")
    param.net = str(bvlc / "lenet_train_test.prototxt")
    solver = Solver(param, max_iter=10_002)
    solver.restore(folder / "lenet_iter_10000.solverstate")
    deployed = Net(folder / "deploy.prototxt", weights=folder / "lenet_iter_10000.caffemodel")
    for name, blobs in deployed.params.items():
        for mine, theirs in zip(solver.net.params[name], blobs, strict=True):
            assert np.array_equal(mine.data, theirs.data)
    assert solver.iter == 10_000
    assert solver.lr == pytest.approx(0.01 * (1 + 1e-4 * 10_000) ** -0.75)
    assert all(history.any() for history in solver.history)
    solver.step(2)
    assert solver.net.first_nonfinite() is None


# -- ResNet-20 on CIFAR-10
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "single"])
def test_resnet20(fuse: bool) -> None:
    folder, expected = shared("models/resnet20_cifar10"), load("resnet20_cifar10/expected_test1k")
    with np.load(shared("data/cifar10/cifar10_10k_train_1k_test.npz")) as stored:
        images, labels = stored["test_images"], stored["test_labels"]
    images = images.transpose(0, 3, 1, 2) - read_mean(shared("data/cifar10/mean.binaryproto"))
    net = Net(folder / "deploy.prototxt", weights=folder / "ResNet_20.caffemodel", fuse=fuse)
    found = predict(net, "prob", images, 250)
    assert np.array_equal(labels, expected["label"])
    assert_near(found, expected["prob"], PROBABILITY)
    assert np.mean(found.argmax(1) == labels) == np.mean(expected["prob"].argmax(1) == labels)


# -- SqueezeNet 1.1 on photographs
def test_squeezenet() -> None:
    folder, expected = shared("models/squeezenet_v1.1"), load("squeezenet_v1.1/expected_200")
    net = Net(folder / "deploy.prototxt", weights=folder / "squeezenet_v1.1.caffemodel")
    images = expected["input_u8_bgr"].transpose(0, 3, 1, 2) - expected["mean_bgr"].reshape(3, 1, 1)
    found = predict(net, "prob", images.astype(np.float32), 10).reshape(50, 1000)
    assert_near(found, expected["softmax"], PROBABILITY)
    of_file = {str(name): row for row, name in enumerate(expected["files"])}
    rows = [of_file[str(name)] for name in expected["softmax_files"]]
    assert np.array_equal(np.argsort(-found, 1)[:, 0], expected["top5"][rows, 0])


# -- the three nets of a face detector: PReLU, several outputs, and an input of any size
@pytest.mark.parametrize("stage", ["det1", "det2", "det3"])
def test_mtcnn(stage: str) -> None:
    folder, expected = shared("models/mtcnn"), load(f"mtcnn/expected_{stage}")
    net = Net(folder / f"{stage}.prototxt", weights=folder / f"{stage}.caffemodel")
    image = expected.pop("x")
    net.blobs["data"].reshape(*image.shape)
    found = net.forward(data=image)
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert_near(found[name], array, PROBABILITY if name == "prob1" else OUTPUT)
