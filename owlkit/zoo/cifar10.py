"""The two CIFAR-10 nets of Caffe's examples: quick (75 % in minutes) and full (81 %)."""

from __future__ import annotations

from typing import Any

from owlkit.spec import L, NetSpec, P, Top
from owlkit.zoo.common import Feed, Preparation, Source, finish, start

_SHAPE = (3, 32, 32)
_LEARNING = [dict(lr_mult=1), dict(lr_mult=2)]


def cifar10_quick(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int = 100,
    test_batch_size: int = 100,
    classes: int = 10,
) -> NetSpec:
    """Three convolutions and two inner products on images (N, 3, 32, 32).

    mean_file : binaryproto of the mean image. form : "train" or "deploy"; see `owlkit.zoo`.
    Source: BVLC Caffe, examples/cifar10/cifar10_quick_train_test.prototxt.
    """
    feed = Feed(form, train_source, test_source, batch_size, test_batch_size)
    n = start("CIFAR10_quick", feed, _SHAPE, _mean(mean_file), "cifar")
    _convolutions(n, normalise=False)
    n.ip1 = L.InnerProduct(n.pool3, num_output=64, param=_LEARNING, **_fillers(0.1))
    n.ip2 = L.InnerProduct(n.ip1, num_output=classes, param=_LEARNING, **_fillers(0.1))
    return finish(n, n.ip2, feed)


def cifar10_full(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int = 100,
    test_batch_size: int = 100,
    classes: int = 10,
) -> NetSpec:
    """Three convolutions with local response normalisation, and one inner product, on images (N, 3, 32, 32).

    mean_file : binaryproto of the mean image. form : "train" or "deploy"; see `owlkit.zoo`.
    Source: BVLC Caffe, examples/cifar10/cifar10_full_train_test.prototxt.
    """
    feed = Feed(form, train_source, test_source, batch_size, test_batch_size)
    n = start("CIFAR10_full", feed, _SHAPE, _mean(mean_file), "cifar")
    _convolutions(n, normalise=True)
    learning = [dict(lr_mult=1, decay_mult=250), dict(lr_mult=2, decay_mult=0)]
    n.ip1 = L.InnerProduct(n.pool3, num_output=classes, param=learning, **_fillers(0.01))
    return finish(n, n.ip1, feed)


def _mean(mean_file: Source | None) -> Preparation:
    return Preparation(dict(mean_file=mean_file) if mean_file is not None else {})


def _fillers(std: float) -> dict[str, Any]:
    return dict(weight_filler=dict(type="gaussian", std=std), bias_filler=dict(type="constant"))


def _convolutions(n: NetSpec, normalise: bool) -> None:
    """conv1 to pool3. Both nets pool conv1 before its ReLU; only in `full` has conv3 no lr_mult."""
    shape = dict(pad=2, kernel_size=5, stride=1)
    halve = dict(kernel_size=3, stride=2)
    n.conv1 = L.Convolution(n.data, num_output=32, param=_LEARNING, **shape, **_fillers(0.0001))
    n.pool1 = L.Pooling(n.conv1, pool=P.Pooling.MAX, **halve)
    n.relu1 = L.ReLU(n.pool1, in_place=True)
    below = _norm(n, "norm1", n.relu1) if normalise else n.relu1
    n.conv2 = L.Convolution(below, num_output=32, param=_LEARNING, **shape, **_fillers(0.01))
    n.relu2 = L.ReLU(n.conv2, in_place=True)
    n.pool2 = L.Pooling(n.relu2, pool=P.Pooling.AVE, **halve)
    below = _norm(n, "norm2", n.pool2) if normalise else n.pool2
    third = {} if normalise else dict(param=_LEARNING)
    n.conv3 = L.Convolution(below, num_output=64, **third, **shape, **_fillers(0.01))
    n.relu3 = L.ReLU(n.conv3, in_place=True)
    n.pool3 = L.Pooling(n.relu3, pool=P.Pooling.AVE, **halve)


def _norm(n: NetSpec, name: str, below: Top) -> Top:
    n[name] = L.LRN(below, local_size=3, alpha=5e-5, beta=0.75, norm_region=P.LRN.WITHIN_CHANNEL)
    top: Top = n[name]
    return top
