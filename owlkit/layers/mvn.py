"""MVN: every image (or channel of it) to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import mvn
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.overwritten import KeptInput


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

    It may run in place, and be changed in place by what follows; Caffe's gradient is wrong in both cases,
    because it reads y. This layer's reads x, of which it keeps a copy where it runs in place.
    """

    in_place = True
    wants_private_bottom = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.mvn_param
        self.scaled, self.across, self.eps = param.normalize_variance, param.across_channels, param.eps

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].ndim < 2:
            raise self.error("needs a bottom with channels, (N, C, ...)", bottom[0])
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        spec = mvn.MVN(bottom[0].descriptor, self.across, self.scaled, self.eps)
        self.kernel = mvn.make(device, spec)
        self.input = KeptInput(device, bottom, top, any(self.propagate_down))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(self.input.keep(bottom), top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.backward(self.input.kept(bottom), top[0].diff_tensor, bottom[0].diff_tensor)

    def describe(self) -> str:
        parts = ["across channels"] * self.across + ["mean only"] * (not self.scaled)
        return ", ".join(parts)
