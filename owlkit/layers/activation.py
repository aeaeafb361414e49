"""Elementwise activations: ReLU, Sigmoid, TanH."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import activation
from owlkit.layers.base import Blobs, Layer, register


class _Activation(Layer):
    """y = f(x), elementwise, of any shape; may run in place."""

    in_place = True
    kind = ""
    slope = 0.0

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernel = activation.make(
            device, activation.Activation(self.kind, bottom[0].descriptor, self.slope)
        )

    def top_survives(self, follower: Layer) -> bool:
        return False

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.backward(top[0].data_tensor, top[0].diff_tensor, bottom[0].diff_tensor)


@register("ReLU")
class ReLU(_Activation):
    """Rectified linear unit; with negative_slope, the leaky one.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = max(x, 0) + negative_slope * min(x, 0)
    Gradient: dx = dy where y > 0, negative_slope * dy elsewhere, also at x = 0 (as in Caffe).
    Parameters (relu_param):
        negative_slope : slope below 0.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010; Caffe's
        ReLULayer.

    NaN stays NaN, as in Caffe, and minus infinity becomes it where negative_slope is 0. On a CPU, a NaN of
    its input becomes 0 right behind a BatchNorm with given statistics, where oneDNN does both at once; one in
    those statistics, or in the Scale between, stays.
    """

    kind = "relu"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.slope = self.param.relu_param.negative_slope
        if self.slope < 0 and bottom[0] is top[0]:
            raise self.error(
                "a negative negative_slope cannot run in place: the sign of x is lost", bottom[0]
            )

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            # Below a slope < 0 y is never negative: only x tells the sign.
            signed = bottom if self.slope < 0 else top
            self.kernel.backward(signed[0].data_tensor, top[0].diff_tensor, bottom[0].diff_tensor)

    def top_survives(self, follower: Layer) -> bool:
        """Backward reads the sign alone, which these two keep wherever a gradient passes."""
        return follower.type in ("ReLU", "Dropout")

    def describe(self) -> str:
        return f"slope {self.slope:g}" if self.slope else ""


def absorb_relu(layer: Layer, follower: Layer) -> bool:
    """Let `layer` end with the in-place ReLU that follows, where that ReLU has no slope."""
    if not isinstance(follower, ReLU) or follower.slope or layer.absorbed:
        return False
    layer.absorbed.append(follower)
    return True


@register("Sigmoid")
class Sigmoid(_Activation):
    """The logistic function, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = 1 / (1 + exp(-x))
    Gradient: dx = dy * y * (1 - y).
    Parameters (sigmoid_param):
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Caffe's SigmoidLayer.
    """

    kind = "sigmoid"


@register("TanH")
class TanH(_Activation):
    """The hyperbolic tangent, elementwise.

    bottom 0 : x, any shape; may run in place.
    top 0 : y, the same shape.
    Formula: y = (exp(2x) - 1) / (exp(2x) + 1)
    Gradient: dx = dy * (1 - y^2).
    Parameters (tanh_param):
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Caffe's TanHLayer.
    """

    kind = "tanh"
