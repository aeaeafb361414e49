"""VGG: sixteen or nineteen layers of 3x3 convolutions in five blocks."""

from __future__ import annotations

from owlkit.core.errors import NetError
from owlkit.spec import L, NetSpec, P
from owlkit.zoo.common import LEARNING, XAVIER, Feed, Source, constant, finish, imagenet, start

# Convolutions in each block, by the number of layers that learn; and the channels of the blocks.
_DEPTHS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)


def vgg(
    layers: int = 16,
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    mean_file: Source | None = None,
    form: str | None = None,
    batch_size: int | None = None,
    test_batch_size: int = 50,
    classes: int = 1000,
) -> NetSpec:
    """VGG on BGR images (N, 3, 224, 224), 0-255 minus a mean.

    layers : 16 or 19, those that learn. mean_file : binaryproto of the mean image; without it the mean colour
    of ImageNet. form : "train" or "deploy"; see `owlkit.zoo`. batch_size : 64 for training, 10 for deploy.
    Raises NetError for another number of layers.
    Source: Simonyan and Zisserman, arXiv:1409.1556, configurations D and E, with the names of the Caffe model
    published with it. Weights start as by Glorot and Bengio, which the authors found to do without the
    shallower net they had first trained.
    """
    if layers not in _DEPTHS:
        raise NetError(f"vgg has 16 or 19 layers that learn, not {layers}")
    trains = Feed(form, train_source, test_source).trains
    feed = Feed(form, train_source, test_source, batch_size or (64 if trains else 10), test_batch_size)
    n = start(f"VGG-{layers}", feed, (3, 224, 224), imagenet(mean_file, 224))
    learned = dict(param=LEARNING, weight_filler=XAVIER, bias_filler=constant(0))
    x = n.data
    for block, (count, channels) in enumerate(zip(_DEPTHS[layers], _CHANNELS, strict=True), 1):
        for index in range(1, count + 1):
            x = L.Convolution(x, num_output=channels, kernel_size=3, pad=1, **learned)
            n[f"conv{block}_{index}"] = x
            n[f"relu{block}_{index}"] = x = L.ReLU(x, in_place=True)
        n[f"pool{block}"] = x = L.Pooling(x, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    for index in (6, 7):
        n[f"fc{index}"] = x = L.InnerProduct(x, num_output=4096, **learned)
        n[f"relu{index}"] = x = L.ReLU(x, in_place=True)
        n[f"drop{index}"] = x = L.Dropout(x, dropout_ratio=0.5, in_place=True)
    n.fc8 = L.InnerProduct(x, num_output=classes, **learned)
    return finish(n, n.fc8, feed)
