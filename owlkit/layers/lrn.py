"""Local response normalisation."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import lrn
from owlkit.layers.base import Blobs, Layer, register
from owlkit.proto import caffe_pb2


@register("LRN")
class LRN(Layer):
    """Local response normalisation: each value divided by a power of the energy around it.

    bottom 0 : x, (N, C, H, W).
    top 0 : y, the same shape.
    Formula: y = x * s^-beta, s = k + alpha / n * (sum of x^2 over the neighbourhood).
        ACROSS_CHANNELS: n = local_size neighbouring channels at the same place.
        WITHIN_CHANNEL: n = local_size^2 neighbours in the same plane, and k is taken as 1 whatever is given
            (Caffe). Outside counts as 0.
    Gradient: dx = dy * s^-beta - 2 alpha beta / n * x * (sum of dy * y / s over the neighbourhood).
    Parameters (lrn_param):
        local_size : how many neighbours along an axis, odd.
        alpha : factor of the mean square.
        beta : the exponent.
        norm_region : ACROSS_CHANNELS or WITHIN_CHANNEL.
        k : what is added, ACROSS_CHANNELS only.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks,
        NIPS 2012, section 3.3 (there without the division by n); Caffe's LRNLayer.
    """

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        size = self.param.lrn_param.local_size
        if size % 2 == 0:
            raise self.error(f"local_size is {size}, but must be odd, so that there is a middle")

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        if bottom[0].ndim != 4:
            raise self.error("needs a bottom with 4 axes (N, C, H, W); put it before InnerProduct", bottom[0])
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        p = self.param.lrn_param
        within = p.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL
        shift = 1.0 if within else p.k
        spec = lrn.LRN(bottom[0].descriptor, p.local_size, p.alpha, p.beta, shift, within)
        self.kernel = lrn.make(device, spec)

    def top_survives(self, follower: Layer) -> bool:
        return False

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            x, y = bottom[0], top[0]
            self.kernel.backward(x.data_tensor, y.data_tensor, y.diff_tensor, x.diff_tensor)

    def describe(self) -> str:
        p = self.param.lrn_param
        within = p.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL
        return f"{p.local_size} {'within' if within else 'across'}, alpha {p.alpha:g}, beta {p.beta:g}"
