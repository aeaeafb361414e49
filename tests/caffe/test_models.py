"""Published models and Caffe's own trajectories, by the interface of pycaffe."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import owlkit.caffe as caffe
from owlkit.datasets.idx import read_idx
from owlkit.io.mean import read_mean
from owlkit.proto import caffe_pb2, text
from tests.solvers import golden
from tests.support.shared import shared

PROBABILITY = 2e-5  # absolute: what float32 sums in another order make of probabilities


def load(path: str) -> dict[str, np.ndarray]:
    with np.load(shared(path)) as stored:
        return {name: stored[name] for name in stored.files}


def classifier(folder: str, definition: str, weights: str) -> caffe.Net:
    return caffe.Net(
        str(shared(f"models/{folder}/{definition}")), str(shared(f"models/{folder}/{weights}")), 1
    )


def near(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=PROBABILITY)


@pytest.mark.parametrize("definition", ["deploy.prototxt", "deploy_v1.prototxt"])
def test_lenet_of_2014(definition: str) -> None:
    net = classifier("lenet", definition, "lenet_iter_10000.caffemodel")
    expected = load("models/lenet/expected_first2000.npz")["prob"][:300]
    images = read_idx(shared("data/mnist/t10k-images-idx3-ubyte.gz"))[:300, None] / 256
    near(net.forward_all(data=images)["prob"], expected)


def test_resnet20_as_a_whole_and_in_parts() -> None:
    net = classifier("resnet20_cifar10", "deploy.prototxt", "ResNet_20.caffemodel")
    expected = load("models/resnet20_cifar10/expected_test1k.npz")["prob"][:50]
    images = load("data/cifar10/cifar10_10k_train_1k_test.npz")["test_images"][:50]
    images = images.transpose(0, 3, 1, 2) - read_mean(shared("data/cifar10/mean.binaryproto"))
    source = net.inputs[0]
    net.blobs[source].reshape(*images.shape)
    near(net.forward(**{source: images})["prob"], expected)
    names = list(net._layer_names)
    cuts = [0, 3, 4, 5, 17, 40, len(names)]
    net.blobs["prob"].data[...] = 0
    for first, end in itertools.pairwise(cuts):
        net.forward(start=names[first], end=names[end - 1])
    near(net.blobs["prob"].data, expected)


def test_squeezenet_one_photograph_at_a_time() -> None:
    net = classifier("squeezenet_v1.1", "deploy.prototxt", "squeezenet_v1.1.caffemodel")
    expected = load("models/squeezenet_v1.1/expected_200.npz")
    net.blobs["data"].reshape(1, 3, 227, 227)
    for image, softmax in list(zip(expected["input_u8_bgr"], expected["softmax"], strict=True))[:8]:
        net.blobs["data"].data[...] = image.transpose(2, 0, 1) - expected["mean_bgr"].reshape(3, 1, 1)
        near(net.forward()["prob"].ravel(), softmax.ravel())


def solver_of(case: str, folder: Path) -> caffe.Solver:
    """The solver of a trajectory, made from files, with its initial parameters."""
    stored = golden.load(case)
    net = text.parse(str(stored["net_prototxt"]), caffe_pb2.NetParameter)
    for layer in net.layer:
        if layer.type == "HDF5Data":
            layer.hdf5_data_param.source = str(shared(f"golden/solvers/{layer.hdf5_data_param.source}"))
    (folder / "net.prototxt").write_text(str(net))
    param = text.parse(str(stored["solver_prototxt"]), caffe_pb2.SolverParameter)
    param.net, param.snapshot_prefix = str(folder / "net.prototxt"), str(folder / "snap")
    (folder / "solver.prototxt").write_text(str(param))
    solver = caffe.get_solver(str(folder / "solver.prototxt"))
    set_params(solver, "init", stored)
    return solver


def set_params(solver: caffe.Solver, prefix: str, stored: dict[str, np.ndarray]) -> None:
    for key, value in stored.items():
        if key.startswith(f"{prefix}/"):
            _, layer, index = key.split("/")
            solver.net.params[layer][int(index)].data[...] = value


@pytest.mark.parametrize("case", golden.cases())
def test_trajectories_of_bvlc_caffe(case: str, tmp_path: Path) -> None:
    stored = golden.load(case)
    solver = solver_of(case, tmp_path)
    for iteration in range(10):
        if "data" in stored:
            solver.net.blobs["data"].data[...] = stored["data"][iteration]
            solver.net.blobs["label"].data[...] = stored["label"][iteration]
        solver.step(1)
        golden.compare_params(solver, stored, iteration + 1)  # type: ignore[arg-type]
    assert solver.iter == 10
