"""Residual nets: ResNet-50, 101 and 152 for ImageNet, and the nets of 6n + 2 layers for CIFAR-10.

Source: He, Zhang, Ren, Sun, arXiv:1512.03385, and the definitions published with it: BatchNorm, Scale and
ReLU in place; where a stage halves the image, the stride is on its first 1x1 convolution.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator
from typing import Any

from owlkit.core.errors import NetError
from owlkit.spec import L, NetSpec, P
from owlkit.zoo.common import (
    GAUSSIAN_001,
    LEARNING,
    Feed,
    Preparation,
    Source,
    constant,
    finish,
    imagenet,
    start,
)

_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_MSRA = dict(type="msra")


def resnet(
    depth: int = 50,
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 50,
    classes: int = 1000,
) -> NetSpec:
    """ResNet-50, -101 or -152 on BGR images (N, 3, 224, 224), 0-255 minus a mean.

    mean_file : binaryproto of the mean image; without it the mean colour of ImageNet.
    form : "train" or "deploy"; see `owlkit.zoo`. batch_size : 32 for training, 1 for deploy.
    The deploy form uses BatchNorm's running statistics in both phases, as published.
    """
    if depth not in _BLOCKS:
        raise NetError(f"depth is 50, 101 or 152, not {depth}; resnet_cifar makes the nets for CIFAR-10")
    trains = Feed(form, train_source, test_source).trains
    feed = Feed(form, train_source, test_source, batch_size or (32 if trains else 1), test_batch_size)
    n = start(f"ResNet-{depth}", feed, (3, 224, 224), imagenet(mean_file, 224))
    # The published ResNet-50 has a bias here, the deeper nets have none.
    bias = {} if depth == 50 else dict(bias_term=False)
    n.conv1 = x = L.Convolution(
        n.data, num_output=64, kernel_size=7, pad=3, stride=2, weight_filler=_MSRA, **bias
    )
    x = _normalise(n, "_conv1", x, feed)
    n.conv1_relu = x = L.ReLU(x, in_place=True)
    n.pool1 = x = L.Pooling(x, kernel_size=3, stride=2, pool=P.Pooling.MAX)
    for stage, count in enumerate(_BLOCKS[depth]):
        for index, letters in enumerate(_letters(stage, count, depth)):
            width, stride = 64 << stage, 2 if index == 0 and stage > 0 else 1
            x = _bottleneck(n, f"{stage + 2}{letters}", x, width, stride, project=index == 0, feed=feed)
    n.pool5 = x = L.Pooling(x, kernel_size=7, stride=1, pool=P.Pooling.AVE)
    n[f"fc{classes}"] = x = L.InnerProduct(x, num_output=classes, weight_filler=_MSRA)
    return finish(n, x, feed)


def _letters(stage: int, count: int, depth: int) -> Iterator[str]:
    """Names of blocks: a, b, c in short stages; a, b1, b2, ... in the long stages of the deeper nets."""
    long = depth > 50 and stage in (1, 2)
    for index in range(count):
        yield f"b{index}" if long and index else string.ascii_lowercase[index]


def _bottleneck(n: NetSpec, block: str, x: Any, width: int, stride: int, project: bool, feed: Feed) -> Any:
    """1x1, 3x3, 1x1 beside the identity, or beside a projection where the shape changes."""
    shortcut = x
    if project:
        shortcut = _convolution(
            n, f"{block}_branch1", x, feed, num_output=4 * width, kernel_size=1, stride=stride
        )
    x = _convolution(n, f"{block}_branch2a", x, feed, num_output=width, kernel_size=1, stride=stride)
    n[f"res{block}_branch2a_relu"] = x = L.ReLU(x, in_place=True)
    x = _convolution(n, f"{block}_branch2b", x, feed, num_output=width, kernel_size=3, pad=1, stride=1)
    n[f"res{block}_branch2b_relu"] = x = L.ReLU(x, in_place=True)
    x = _convolution(n, f"{block}_branch2c", x, feed, num_output=4 * width, kernel_size=1, stride=1)
    n[f"res{block}"] = x = L.Eltwise(shortcut, x)
    n[f"res{block}_relu"] = x = L.ReLU(x, in_place=True)
    return x


def _convolution(n: NetSpec, name: str, x: Any, feed: Feed, **shape: Any) -> Any:
    n[f"res{name}"] = x = L.Convolution(x, bias_term=False, weight_filler=_MSRA, **shape)
    return _normalise(n, name, x, feed)


def _normalise(n: NetSpec, name: str, x: Any, feed: Feed) -> Any:
    statistics = {} if feed.trains else dict(use_global_stats=True)
    n[f"bn{name}"] = x = L.BatchNorm(x, in_place=True, **statistics)
    n[f"scale{name}"] = x = L.Scale(x, bias_term=True, in_place=True)
    return x


def resnet_cifar(
    depth: int = 20,
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 100,
    classes: int = 10,
) -> NetSpec:
    """The residual net of `depth` = 6n + 2 layers (20, 32, 44, 56, 110) on images (N, 3, 32, 32).

    mean_file : binaryproto of the mean image. form : "train" or "deploy"; see `owlkit.zoo`.
    batch_size : 128 for training, 1 for deploy. Layers have made-up names: Convolution1, BatchNorm1, ...
    """
    if depth < 8 or (depth - 2) % 6:
        raise NetError(f"depth is 6n + 2, such as 20, 32, 44, 56 or 110, not {depth}")
    trains = Feed(form, train_source, test_source).trains
    feed = Feed(form, train_source, test_source, batch_size or (128 if trains else 1), test_batch_size)
    mean = dict(mean_file=mean_file) if mean_file is not None else {}
    n = start("resnet_cifar10", feed, (3, 32, 32), Preparation(mean, dict(mirror=True)))
    x = L.ReLU(_plain(n.data, 16, 3, 1), in_place=True)
    for stage, width in enumerate((16, 32, 64)):
        for index in range((depth - 2) // 6):
            stride = 2 if index == 0 and stage > 0 else 1
            shortcut = _plain(x, width, 1, stride) if stride == 2 else x
            x = L.ReLU(_plain(x, width, 3, stride), in_place=True)
            x = L.Eltwise(shortcut, _plain(x, width, 3, 1), operation=P.Eltwise.SUM)
            x = L.ReLU(x, in_place=True)
    x = L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)
    learning = [dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=1)]
    score = L.InnerProduct(
        x, num_output=classes, param=learning, weight_filler=GAUSSIAN_001, bias_filler=constant(0)
    )
    return finish(n, score, feed)


def _plain(x: Any, width: int, kernel_size: int, stride: int) -> Any:
    """Convolution, BatchNorm, Scale; weights start with the deviation sqrt(2 / outputs of a kernel)."""
    std = math.sqrt(2 / (width * kernel_size**2))
    fillers = dict(weight_filler=dict(type="gaussian", std=round(std, 8)), bias_filler=constant(0))
    shape = dict(num_output=width, pad=kernel_size // 2, kernel_size=kernel_size, stride=stride)
    x = L.Convolution(x, param=LEARNING, **shape, **fillers)
    x = L.BatchNorm(x, param=[dict(lr_mult=0, decay_mult=0)] * 3, in_place=True)
    return L.Scale(x, bias_term=True, in_place=True)
