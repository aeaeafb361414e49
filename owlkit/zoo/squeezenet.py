"""SqueezeNet 1.1: AlexNet's accuracy with a fiftieth of its parameters."""

from __future__ import annotations

from typing import Any

from owlkit.spec import L, NetSpec, P
from owlkit.zoo.common import XAVIER, Feed, Source, finish, imagenet, start

# Squeeze, and each of both expansions
_FIRES = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}


def squeezenet(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 50,
    classes: int = 1000,
) -> NetSpec:
    """SqueezeNet 1.1 on BGR images (N, 3, 227, 227), 0-255 minus a mean.

    mean_file : binaryproto of the mean image; without it the mean colour of ImageNet.
    form : "train" or "deploy"; see `owlkit.zoo`. batch_size : 32 for training, 10 for deploy.
    Source: Iandola et al., arXiv:1602.07360, and the definition of version 1.1 published with it.
    """
    trains = Feed(form, train_source, test_source).trains
    feed = Feed(form, train_source, test_source, batch_size or (32 if trains else 10), test_batch_size)
    n = start("SqueezeNet_v1.1", feed, (3, 227, 227), imagenet(mean_file, 227))
    n.conv1 = x = L.Convolution(n.data, num_output=64, kernel_size=3, stride=2, weight_filler=XAVIER)
    n.relu_conv1 = x = L.ReLU(x, in_place=True)
    n.pool1 = x = _pool(x)
    for index, (squeeze, expand) in _FIRES.items():
        x = _fire(n, f"fire{index}", x, squeeze, expand)
        if index in (3, 5):
            n[f"pool{index}"] = x = _pool(x)
    n.drop9 = x = L.Dropout(x, dropout_ratio=0.5, in_place=True)
    last = dict(type="gaussian", mean=0, std=0.01)
    n.conv10 = x = L.Convolution(x, num_output=classes, kernel_size=1, weight_filler=last)
    n.relu_conv10 = x = L.ReLU(x, in_place=True)
    n.pool10 = L.Pooling(x, pool=P.Pooling.AVE, global_pooling=True)
    return finish(n, n.pool10, feed)


def _pool(x: Any) -> Any:
    return L.Pooling(x, pool=P.Pooling.MAX, kernel_size=3, stride=2)


def _fire(n: NetSpec, block: str, x: Any, squeeze: int, expand: int) -> Any:
    """1x1 to few channels, then 1x1 and 3x3 side by side."""
    x = _convolution(n, block, "squeeze1x1", x, num_output=squeeze, kernel_size=1)
    one = _convolution(n, block, "expand1x1", x, num_output=expand, kernel_size=1)
    three = _convolution(n, block, "expand3x3", x, num_output=expand, pad=1, kernel_size=3)
    n[f"{block}/concat"] = x = L.Concat(one, three)
    return x


def _convolution(n: NetSpec, block: str, name: str, x: Any, **shape: Any) -> Any:
    n[f"{block}/{name}"] = x = L.Convolution(x, weight_filler=XAVIER, **shape)
    n[f"{block}/relu_{name}"] = x = L.ReLU(x, in_place=True)
    return x
