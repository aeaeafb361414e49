"""GoogLeNet (Inception v1), as BVLC trained it: xavier fillers, two auxiliary classifiers in training."""

from __future__ import annotations

from typing import Any

from owlkit.spec import L, NetSpec, P, Top
from owlkit.zoo.common import LEARNING, XAVIER, Feed, Source, constant, imagenet, start

# Outputs of 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj
_INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
_AUXILIARY_WEIGHT = 0.3


def googlenet(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 50,
    classes: int = 1000,
) -> NetSpec:
    """GoogLeNet on BGR images (N, 3, 224, 224), 0-255 minus the mean colour of ImageNet.

    form : "train" or "deploy"; see `owlkit.zoo`. batch_size : 32 for training, 10 for deploy.
    Source: BVLC Caffe, models/bvlc_googlenet; Szegedy et al., arXiv:1409.4842.
    """
    trains = Feed(form, train_source, test_source).trains
    feed = Feed(form, train_source, test_source, batch_size or (32 if trains else 10), test_batch_size)
    n = start("GoogleNet", feed, (3, 224, 224), imagenet(None, 224))
    x = _stem(n)
    for block in _INCEPTION:
        x = _inception(n, block, x)
        if block in ("3b", "4e"):
            x = _pool(n, f"pool{block[0]}/3x3_s2", x)
        if feed.trains and block in ("4a", "4d"):
            _auxiliary(n, 1 if block == "4a" else 2, x, classes)
    n["pool5/7x7_s1"] = x = L.Pooling(x, pool=P.Pooling.AVE, kernel_size=7, stride=1)
    n["pool5/drop_7x7_s1"] = x = L.Dropout(x, dropout_ratio=0.4, in_place=True)
    n["loss3/classifier"] = score = _classifier(x, classes)
    if feed.trains:
        n["loss3/loss3"] = L.SoftmaxWithLoss(score, n.label, loss_weight=1)
        _measures(n, 3, score)
    else:
        n.prob = L.Softmax(score)
    return n


def _stem(n: NetSpec) -> Any:
    x = _convolution(
        n, "conv1", "7x7_s2", n.data, relu="relu_7x7", num_output=64, pad=3, kernel_size=7, stride=2
    )
    x = _pool(n, "pool1/3x3_s2", x)
    n["pool1/norm1"] = x = L.LRN(x, local_size=5, alpha=0.0001, beta=0.75)
    x = _convolution(n, "conv2", "3x3_reduce", x, num_output=64, kernel_size=1)
    x = _convolution(n, "conv2", "3x3", x, num_output=192, pad=1, kernel_size=3)
    n["conv2/norm2"] = x = L.LRN(x, local_size=5, alpha=0.0001, beta=0.75)
    return _pool(n, "pool2/3x3_s2", x)


def _convolution(n: NetSpec, block: str, name: str, below: Any, *, relu: str = "", **shape: int) -> Any:
    n[f"{block}/{name}"] = top = L.Convolution(
        below, param=LEARNING, weight_filler=XAVIER, bias_filler=constant(0.2), **shape
    )
    n[f"{block}/{relu or 'relu_' + name}"] = top = L.ReLU(top, in_place=True)
    return top


def _pool(n: NetSpec, name: str, below: Any) -> Any:
    n[name] = top = L.Pooling(below, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    return top


def _inception(n: NetSpec, name: str, x: Any) -> Any:
    """Four ways side by side: 1x1, 3x3, 5x5, pooling."""
    block = f"inception_{name}"
    one, three_reduce, three, five_reduce, five, projection = _INCEPTION[name]
    ways = [_convolution(n, block, "1x1", x, num_output=one, kernel_size=1)]
    reduced = _convolution(n, block, "3x3_reduce", x, num_output=three_reduce, kernel_size=1)
    ways.append(_convolution(n, block, "3x3", reduced, num_output=three, pad=1, kernel_size=3))
    reduced = _convolution(n, block, "5x5_reduce", x, num_output=five_reduce, kernel_size=1)
    ways.append(_convolution(n, block, "5x5", reduced, num_output=five, pad=2, kernel_size=5))
    n[f"{block}/pool"] = pooled = L.Pooling(x, pool=P.Pooling.MAX, kernel_size=3, stride=1, pad=1)
    ways.append(_convolution(n, block, "pool_proj", pooled, num_output=projection, kernel_size=1))
    n[f"{block}/output"] = top = L.Concat(*ways)
    return top


def _auxiliary(n: NetSpec, index: int, x: Top, classes: int) -> None:
    """A classifier half-way, which brings gradient to the lower layers."""
    loss = f"loss{index}"
    n[f"{loss}/ave_pool"] = pooled = L.Pooling(x, pool=P.Pooling.AVE, kernel_size=5, stride=3)
    below = _convolution(n, loss, "conv", pooled, num_output=128, kernel_size=1)
    n[f"{loss}/fc"] = top = L.InnerProduct(
        below, num_output=1024, param=LEARNING, weight_filler=XAVIER, bias_filler=constant(0.2)
    )
    n[f"{loss}/relu_fc"] = top = L.ReLU(top, in_place=True)
    n[f"{loss}/drop_fc"] = top = L.Dropout(top, dropout_ratio=0.7, in_place=True)
    n[f"{loss}/classifier"] = score = _classifier(top, classes)
    name = f"{loss}/loss"
    n[f"{loss}/loss{index}"] = L.SoftmaxWithLoss(score, n.label, loss_weight=_AUXILIARY_WEIGHT, name=name)
    _measures(n, index, score)


def _classifier(below: Any, classes: int) -> Any:
    return L.InnerProduct(
        below, num_output=classes, param=LEARNING, weight_filler=XAVIER, bias_filler=constant(0)
    )


def _measures(n: NetSpec, index: int, score: Any) -> None:
    n[f"loss{index}/top-1"] = L.Accuracy(score, n.label, include=dict(phase="TEST"))
    n[f"loss{index}/top-5"] = L.Accuracy(score, n.label, top_k=5, include=dict(phase="TEST"))
