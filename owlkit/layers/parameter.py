"""Parameter: a learned blob as a top."""

from __future__ import annotations

from collections.abc import Sequence

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import copy, eltwise
from owlkit.layers.base import Arity, Blobs, Layer, register


@register("Parameter")
class Parameter(Layer):
    """A learned blob as a top.

    top 0 : y, shape; it holds the values from the first forward pass on, as in Caffe.
    blobs[0] : w, shape, zeros until somebody writes them (there is no filler; Caffe leaves them
        uninitialised).
    Formula: y = w
    Gradient: dw = dy, added to what is there.
    Parameters (parameter_param):
        shape : of w and y, required.
    Source: Caffe's ParameterLayer.

    Caffe's y shares w's gradient, so that of several passes before an update (iter_size) only the last
    counts.
    """

    bottoms = Arity.exactly(0)

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.parameter_param
        if not param.HasField("shape"):
            raise self.error("needs parameter_param { shape { dim: ... } }")
        if any(dim < 1 for dim in param.shape.dim):
            raise self.error(
                f"parameter_param.shape is {tuple(param.shape.dim)}; each dim must be at least 1"
            )
        self.add_param(tuple(param.shape.dim))

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        top[0].reshape(self.blobs[0].shape)

    def prepare(self, device: Device, bottom: Blobs, top: Blobs) -> None:
        # A copy, not shared memory: y may lie in another order, and others may share with y already.
        w, y = self.working[0].descriptor, top[0].descriptor
        self.kernel, self._back = copy.make(device, copy.Copy(w, y)), copy.make(device, copy.Copy(y, w))
        self._addition, self._spare = eltwise.make_addition(device, w), Tensor(w)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        self.kernel.forward(self.working[0].data_tensor, top[0].data_tensor)

    def backward(self, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not self.wants_param(0):
            return
        w = self.working[0]
        accumulate = w.begin_accumulate()
        target = self._spare if accumulate else w.diff_tensor
        self._back.forward(top[0].diff_tensor, target)
        if accumulate:
            self._addition(w.diff_tensor, target)

    def describe(self) -> str:
        return "x".join(map(str, self.blobs[0].shape))
