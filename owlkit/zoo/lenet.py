"""LeNet, as Caffe's MNIST example has it: two convolutions, two inner products, ReLU in place of sigmoids."""

from __future__ import annotations

from owlkit.spec import L, NetSpec, P
from owlkit.zoo.common import XAVIER, Feed, Preparation, Source, finish, start

_LEARNING = [dict(lr_mult=1), dict(lr_mult=2)]


def lenet(
    train_source: Source | None = None,
    test_source: Source | None = None,
    *,
    form: str | None = None,
    batch_size: int = 64,
    test_batch_size: int = 100,
    classes: int = 10,
) -> NetSpec:
    """LeNet on images (N, 1, 28, 28), values 0-255 scaled by 1/256.

    form : "train" or "deploy"; see `owlkit.zoo` for it and the sources.
    Source: BVLC Caffe, examples/mnist/lenet_train_test.prototxt and lenet.prototxt.
    """
    feed = Feed(form, train_source, test_source, batch_size, test_batch_size)
    n = start("LeNet", feed, (1, 28, 28), Preparation(dict(scale=1 / 256)), "mnist")
    learned = dict(param=_LEARNING, weight_filler=XAVIER, bias_filler=dict(type="constant"))
    halve = dict(pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv1 = L.Convolution(n.data, num_output=20, kernel_size=5, stride=1, **learned)
    n.pool1 = L.Pooling(n.conv1, **halve)
    n.conv2 = L.Convolution(n.pool1, num_output=50, kernel_size=5, stride=1, **learned)
    n.pool2 = L.Pooling(n.conv2, **halve)
    n.ip1 = L.InnerProduct(n.pool2, num_output=500, **learned)
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.relu1, num_output=classes, **learned)
    return finish(n, n.ip2, feed)
