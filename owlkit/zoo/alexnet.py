"""AlexNet, and CaffeNet, which pools before it normalises and starts biases at 1."""

from __future__ import annotations

from typing import Any

from owlkit.spec import L, NetSpec, P, Top
from owlkit.zoo.common import GAUSSIAN_001, LEARNING, Feed, Source, constant, finish, imagenet, start

_DEPLOYED, _TRAINED = 10, 256  # images of a batch in the published definitions


def alexnet(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 50,
    classes: int = 1000,
) -> NetSpec:
    """AlexNet on BGR images (N, 3, 227, 227), 0-255 minus a mean.

    mean_file : binaryproto of the mean image; without it the mean colour of ImageNet.
    form : "train" or "deploy"; see `owlkit.zoo`. batch_size : 256 for training, 10 for deploy.
    Source: BVLC Caffe, models/bvlc_alexnet; Krizhevsky, Sutskever, Hinton, 2012.
    """
    feed = _feed(form, train_source, test_source, batch_size, test_batch_size)
    return _net("AlexNet", feed, mean_file, classes, normalise_first=True, bias=0.1)


def caffenet(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 50,
    classes: int = 1000,
) -> NetSpec:
    """CaffeNet; parameters as `alexnet`. Source: BVLC Caffe, models/bvlc_reference_caffenet."""
    feed = _feed(form, train_source, test_source, batch_size, test_batch_size)
    return _net("CaffeNet", feed, mean_file, classes, normalise_first=False, bias=1)


def _feed(
    form: str | None, train: Source | None, test: Source | None, batch_size: int | None, test_batch_size: int
) -> Feed:
    trains = Feed(form, train, test).trains
    return Feed(form, train, test, batch_size or (_TRAINED if trains else _DEPLOYED), test_batch_size)


def _net(
    name: str, feed: Feed, mean_file: Source | None, classes: int, *, normalise_first: bool, bias: float
) -> NetSpec:
    n = start(name, feed, (3, 227, 227), imagenet(mean_file, 227))
    x = _convolution(n, "1", n.data, 0, num_output=96, kernel_size=11, stride=4)
    x = _pool_and_normalise(n, "1", x, normalise_first)
    x = _convolution(n, "2", x, bias, num_output=256, pad=2, kernel_size=5, group=2)
    x = _pool_and_normalise(n, "2", x, normalise_first)
    x = _convolution(n, "3", x, 0, num_output=384, pad=1, kernel_size=3)
    x = _convolution(n, "4", x, bias, num_output=384, pad=1, kernel_size=3, group=2)
    x = _convolution(n, "5", x, bias, num_output=256, pad=1, kernel_size=3, group=2)
    n.pool5 = x = L.Pooling(x, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    for index in ("6", "7"):
        weights = dict(type="gaussian", std=0.005)
        n[f"fc{index}"] = x = L.InnerProduct(
            x, num_output=4096, param=LEARNING, weight_filler=weights, bias_filler=constant(bias)
        )
        n[f"relu{index}"] = x = L.ReLU(x, in_place=True)
        n[f"drop{index}"] = x = L.Dropout(x, dropout_ratio=0.5, in_place=True)
    n.fc8 = L.InnerProduct(
        x, num_output=classes, param=LEARNING, weight_filler=GAUSSIAN_001, bias_filler=constant(0)
    )
    return finish(n, n.fc8, feed)


def _convolution(n: NetSpec, index: str, below: Top, bias: float, **shape: Any) -> Top:
    n[f"conv{index}"] = top = L.Convolution(
        below, param=LEARNING, weight_filler=GAUSSIAN_001, bias_filler=constant(bias), **shape
    )
    n[f"relu{index}"] = top = L.ReLU(top, in_place=True)
    return top


def _pool_and_normalise(n: NetSpec, index: str, top: Any, normalise_first: bool) -> Any:
    for what in ("norm", "pool") if normalise_first else ("pool", "norm"):
        if what == "norm":
            n[f"norm{index}"] = top = L.LRN(top, local_size=5, alpha=0.0001, beta=0.75)
        else:
            n[f"pool{index}"] = top = L.Pooling(top, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    return top
