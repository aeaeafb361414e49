"""Split and Silence: a blob with several readers, and blobs with none."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.kernels import copy, eltwise
from owlkit.layers.base import Arity, Blobs, Dtype, Layer, register


@register("Split")
class Split(Layer):
    """The same blob for several layers; nets insert it where several layers read one blob.

    bottom 0 : x, any shape.
    top i : y_i, in the memory of x.
    Formula: y_i = x for every top
    Gradient: dx = sum of dy_i.
    Parameters: none.
    Source: Caffe's SplitLayer.
    """

    tops = Arity(minimum=1)

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        for blob in top:
            if blob.name.startswith(f"{self.name}_") and self.name.endswith("_split"):  # inserted by the net
                blob.given_name = bottom[0].given_name
            blob.reshape(bottom[0].shape)
            if blob.dtype == bottom[0].dtype:  # a loss of a net in half precision is float32
                blob.share_data(bottom[0])

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        x = bottom[0].descriptor
        self.kernel = eltwise.make(device, eltwise.Eltwise("sum", (1.0,) * len(top), x))
        # The sum may be written over its first term only.
        self._terms = sorted(top, key=lambda blob: not blob.shares_diff(bottom[0]))
        self._copy = copy.make(device, copy.Copy(x, x))

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        for blob in top:
            if not blob.shares_data(bottom[0]):
                self._copy.forward(bottom[0].data_tensor, blob.data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if propagate_down[0]:
            self.kernel.forward([blob.diff_tensor for blob in self._terms], bottom[0].diff_tensor)

    def describe(self) -> str:
        return f"{len(self.param.top)} readers"


@register("Silence")
class Silence(Layer):
    """Takes blobs that nobody else reads, so that they are no outputs of the net.

    bottom i : x_i, any number, any shapes.
    Formula: none; nothing is computed
    Gradient: dx_i = 0.
    Parameters: none.
    Source: Caffe's SilenceLayer.
    """

    bottoms = Arity(minimum=1)
    tops = Arity.exactly(0)

    def dtypes(self, half: str, given: Sequence[str], tops: int) -> tuple[str, list[Dtype], list[str]]:
        return "float32", [None] * len(given), []

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        """There is no top."""

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        """There is nothing to compute."""

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff_tensor.zero()
