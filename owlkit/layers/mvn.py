"""MVN: every image (or channel of it) to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor
from owlkit.layers.base import Blobs, Layer, register


@register("MVN")
class MVN(Layer):
    """Mean and variance normalisation, over the pixels of each channel of each image.

    bottom 0 : x, (N, C, ...); may run in place.
    top 0 : y, the same shape.
    Formula: y = (x - mean) / (sqrt(variance) + eps); the variance divides by the number of values
    Gradient: dx = (dy - mean(dy) - y * mean(y * dy)) / (sqrt(variance) + eps), as in Caffe, which takes y to
        have variance 1; with a large eps it has less, and this is not the true gradient. Without
        normalize_variance: dx = dy - mean(dy).
    Parameters (mvn_param):
        normalize_variance : false: y = x - mean.
        across_channels : over all channels of an image together.
        eps : added to the standard deviation.
    Source: Caffe's MVNLayer.

    It may run in place, and be changed in place by what follows; Caffe's gradient is wrong in both cases: it
    reads y where this layer has a copy.
    """

    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.mvn_param
        self.scaled, self.across, self.eps = param.normalize_variance, param.across_channels, param.eps

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].ndim < 2:
            raise self.error("needs a bottom with channels, (N, C, ...)", bottom[0])
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self._groups = _groups(bottom[0].descriptor, self.across)
        self._y, self._product = (np.empty(self._groups, bottom[0].dtype) for _ in range(2))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        x, y = (blob.data_tensor.flat.reshape(self._groups) for blob in (bottom[0], top[0]))
        np.subtract(x, x.mean(axis=1, keepdims=True), out=y)
        if self.scaled:
            variance = np.square(y, out=self._product).mean(axis=1, keepdims=True)
            self._deviation = np.sqrt(variance) + y.dtype.type(self.eps)
            np.divide(y, self._deviation, out=self._y)
            y[...] = self._y

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        dy, dx = (blob.diff_tensor.flat.reshape(self._groups) for blob in (top[0], bottom[0]))
        mean = dy.mean(axis=1, keepdims=True)
        if not self.scaled:
            np.subtract(dy, mean, out=dx)
            return
        product = self._product
        slope = np.multiply(self._y, dy, out=product).mean(axis=1, keepdims=True)
        np.multiply(self._y, slope, out=product)
        np.subtract(dy, mean, out=dx)
        np.subtract(dx, product, out=dx)
        np.divide(dx, self._deviation, out=dx)

    def describe(self) -> str:
        parts = ["across channels"] * self.across + ["mean only"] * (not self.scaled)
        return ", ".join(parts)


def _groups(x: Descriptor, across: bool) -> tuple[int, int, int]:
    """A shape of memory whose middle axis runs over the values that share a mean."""
    n, c = x.shape[:2]
    rest = x.count // max(n * c, 1)
    if across:
        return n, c * rest, 1
    return (n, rest, c) if x.channels_last else (n * c, rest, 1)
