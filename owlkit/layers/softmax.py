"""Softmax: scores to probabilities along one axis."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.blob import Blob
from owlkit.core.device import Device
from owlkit.kernels import softmax
from owlkit.layers.base import Blobs, Layer, register


def softmax_axis(layer: Layer, scores: Blob) -> int:
    """`softmax_param.axis` counted from the front; NetError where the blob has no such axis."""
    axis = layer.param.softmax_param.axis
    try:
        return scores.canonical_axis(axis)
    except IndexError as why:
        raise layer.error(f"softmax_param {{ axis: {axis} }}: {why}", scores) from None


@register("Softmax")
class Softmax(Layer):
    """Scores made probabilities.

    bottom 0 : x, any shape with at least one axis; may run in place.
    top 0 : y, the same shape.
    Formula: y_k = exp(x_k) / sum_j exp(x_j), where k and j run along axis
    Gradient: dx_k = y_k * (dy_k - sum_j y_j * dy_j).
    Parameters (softmax_param):
        axis : along which probabilities sum to 1; negative counts from the end.
        engine : accepted; the device chooses the kernel, and no result changes.
    Source: Caffe's SoftmaxLayer.
    """

    in_place = True

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        softmax_axis(self, bottom[0])

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.axis = softmax_axis(self, bottom[0])
        top[0].reshape(bottom[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        self.kernel = softmax.make(device, softmax.Softmax(bottom[0].descriptor, self.axis))

    def top_survives(self, follower: Layer) -> bool:
        return False

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(bottom[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.backward(top[0].data_tensor, top[0].diff_tensor, bottom[0].diff_tensor)

    def describe(self) -> str:
        axis = self.param.softmax_param.axis
        return f"axis {axis}" if axis != 1 else ""
