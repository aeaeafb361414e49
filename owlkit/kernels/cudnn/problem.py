"""A call of a convolution as a graph of cuDNN's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from owlkit.core.gpu.driver import Cudnn
from owlkit.core.tensor import Descriptor
from owlkit.kernels import Unsupported

#: The numbers (uids) by which a plan knows its tensors, or in their place the gradients.
X, W, B, Y = 1, 2, 3, 4

_NAMES = {X: "x", W: "w", B: "b", Y: "y"}
_TYPES = {"float32": "FLOAT", "float16": "HALF", "bfloat16": "BFLOAT16"}


@dataclass(frozen=True)
class Problem:
    """What one plan computes.

    kind : "fprop" y = w * x (+ b, then max(y, 0)); "dgrad" x's gradient from y's; "wgrad" w's from x and y's.
    x, w, y : (N, C, *spatial), (M, C / group, *kernel), (N, M, *spatial), in one dtype and any order.
    stride, pad, dilation : one number per spatial axis, in pixels.
    bias, relu : of fprop. relu only with a bias: without one, cuDNN compiles a kernel for each shape.
    """

    kind: str
    x: Descriptor
    w: Descriptor
    y: Descriptor
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]
    bias: bool = False
    relu: bool = False

    @property
    def result(self) -> int:
        """The uid of what is written."""
        return {"fprop": Y, "dgrad": X, "wgrad": W}[self.kind]

    @property
    def arguments(self) -> dict[int, Descriptor]:
        """Descriptors by uid, the result's included."""
        found = {X: self.x, W: self.w, Y: self.y}
        if self.bias:
            pixel = (1, self.w.shape[0]) + (1,) * (len(self.x.shape) - 2)
            found[B] = Descriptor(pixel, self.x.dtype, self.x.channels_last)
        return found

    def build(self, library: Cudnn) -> Any:
        """The graph, not planned yet; raises Unsupported for what cuDNN is not asked to serve."""
        if not self.pad:
            raise Unsupported("cuDNN has no convolution without spatial axes")
        if self.x.dtype not in _TYPES:
            raise Unsupported(f"cuDNN is used for {', '.join(_TYPES)}, not for {self.x.dtype}")
        dtype = getattr(library.frontend.data_type, _TYPES[self.x.dtype])
        graph, given = library.graph(dtype), {}
        for uid, descriptor in self.arguments.items():
            if uid != self.result:
                given[uid] = graph.tensor(
                    name=_NAMES[uid],
                    uid=uid,
                    dim=list(descriptor.shape),
                    stride=list(descriptor.strides),
                    data_type=dtype,
                )
        result, described = self._operations(graph, given), self.arguments[self.result]
        result.set_uid(self.result).set_output(True).set_data_type(dtype)
        # A gradient's shape does not follow from the others': several sizes of x give the same y.
        result.set_dim(list(described.shape)).set_stride(list(described.strides))
        return graph

    def _operations(self, graph: Any, given: dict[int, Any]) -> Any:
        """The tensor that comes out."""
        window = {
            "pre_padding": list(self.pad),
            "post_padding": list(self.pad),
            "stride": list(self.stride),
            "dilation": list(self.dilation),
        }
        if self.kind == "dgrad":
            return graph.conv_dgrad(loss=given[Y], filter=given[W], **window)
        if self.kind == "wgrad":
            return graph.conv_wgrad(image=given[X], loss=given[Y], **window)
        result = graph.conv_fprop(image=given[X], weight=given[W], **window)
        if self.bias:
            result = graph.bias(input=result, bias=given[B])
        return graph.relu(input=result) if self.relu else result
