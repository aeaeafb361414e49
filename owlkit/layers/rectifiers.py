"""Relatives of ReLU: BNLL, ELU, Swish, and PReLU with learned slopes."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import elementwise, eltwise, prelu
from owlkit.layers.base import Blobs, Layer, register
from owlkit.layers.elementwise import Elementwise
from owlkit.layers.overwritten import KeptInput
from owlkit.proto.caffe_pb2 import FillerParameter


@register("BNLL")
class BNLL(Elementwise):
    """The binomial normal log likelihood, a smooth rectifier (softplus), elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = log(1 + exp(x)), computed as max(x, 0) + log(1 + exp(-|x|)), which does not overflow
    Gradient: dx = dy * e / (1 + e), e = exp(min(x, 50)).
    Parameters: none.
    Source: Caffe's BNLLLayer.
    """

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("bnll", x)


@register("ELU")
class ELU(Elementwise):
    """Exponential linear unit, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = x for x > 0, alpha * (exp(x) - 1) elsewhere
    Gradient: dx = dy for x > 0, dy * (y + alpha) elsewhere.
    Parameters (elu_param):
        alpha : what y tends to far below 0, with the other sign.
    Source: Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear
        units (ELUs), ICLR 2016; Caffe's ELULayer.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.alpha = self.param.elu_param.alpha

    def describe(self) -> str:
        return f"alpha {self.alpha:g}"

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("elu", x, self.alpha)


@register("Swish")
class Swish(Elementwise):
    """x times the logistic function of beta x, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = x * s, s = 1 / (1 + exp(-beta * x))
    Gradient: dx = dy * (s + beta * y * (1 - s)).
    Parameters (swish_param):
        beta : factor inside the logistic function.
    Source: Ramachandran, Zoph and Le, Searching for activation functions, 2017; Caffe's SwishLayer.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.beta = self.param.swish_param.beta

    def describe(self) -> str:
        return f"beta {self.beta:g}"

    def function(self, x: Descriptor) -> elementwise.Elementwise:
        return elementwise.Elementwise("swish", x, self.beta)


@register("PReLU")
class PReLU(Layer):
    """A rectifier with a learned slope below 0, for each channel or one for all.

    bottom 0 : x, (N, C, ...); may run in place (x is then kept for the gradient).
    top 0 : y, the same shape.
    blobs[0] : a, (C,), or () where channel_shared.
    Formula: y = max(x, 0) + a_c * min(x, 0)
    Gradient: dx = dy for x > 0, a_c * dy elsewhere; da_c = sum of dy * x over the x <= 0 of channel c.
    Parameters (prelu_param):
        filler : of the slopes; constant 0.25 where none is given.
        channel_shared : one slope for all channels.
    Source: He et al., Delving deep into rectifiers, ICCV 2015; Caffe's PReLULayer.
    """

    in_place = True
    wants_private_bottom = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.prelu_param
        if bottom[0].ndim < 2:
            raise self.error("needs a bottom with channels, (N, C, ...)", bottom[0])
        filler = param.filler if param.HasField("filler") else FillerParameter(value=0.25)
        self.add_param(() if param.channel_shared else (bottom[0].shape[1],), filler)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        slopes = self.blobs[0]
        if slopes.ndim and slopes.shape[0] != bottom[0].shape[1]:
            raise self.error(
                f"has slopes for {slopes.shape[0]} channels, found {bottom[0].shape[1]}; keep their number, "
                "or give channel_shared: true",
                bottom[0],
            )
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x, wanted = bottom[0].descriptor, any(self.propagate_down) or self.wants_params
        slopes = self.working[0].descriptor
        self.kernel = prelu.make(device, prelu.PReLU(x, not slopes.shape, slopes.dtype))
        self.input = KeptInput(device, bottom, top, wanted)
        self._spare_slopes = Tensor(slopes)
        self._addition = eltwise.make_addition(device, slopes)
        self._spare_dx: Tensor | None = None

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(self.input.keep(bottom), self.working[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        a, x = self.working[0], self.input.kept(bottom)
        accumulate = not self.wants_param(0) or a.begin_accumulate()
        da = self._spare_slopes if accumulate else a.diff_tensor
        if not propagate_down[0] and self._spare_dx is None:
            self._spare_dx = Tensor(bottom[0].descriptor)
        dx = bottom[0].diff_tensor if propagate_down[0] else self._spare_dx
        self.kernel.backward(x, a.data_tensor, top[0].diff_tensor, dx, da)
        if accumulate and self.wants_param(0):
            self._addition(a.diff_tensor, da)

    def describe(self) -> str:
        return "shared" if self.param.prelu_param.channel_shared else ""
