"""Local response normalisation across channels by oneDNN; within a channel it has only slow loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.lrn import LRN


class LRNKernel:
    def __init__(self, device: Device, spec: LRN) -> None:
        if spec.within:
            raise Unsupported("oneDNN normalises within a channel by slow loops only")
        if spec.size < 3:
            raise Unsupported("oneDNN crashes where a window is one channel wide")
        md = MemoryDescriptor.of(spec.x)
        numbers = (spec.size, spec.alpha, spec.beta, spec.k)
        kind = api.LRN_ACROSS_CHANNELS
        self._forward = Primitive(device, "lrn_forward", api.TRAINING, kind, md, md, *numbers)
        self._backward = Primitive(device, "lrn_backward", kind, md, md, md, *numbers, self._forward)
        self._workspace = self._forward.workspace()
        self.detail = self._forward.implementation
        self._run_forward, self._run_backward = Bound(self._bind_forward), Bound(self._bind_backward)

    def forward(self, x: Tensor, y: Tensor) -> None:
        self._run_forward(x, y)

    def backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> None:
        self._run_backward(x, dy, dx)

    def _with_workspace(self, memories: dict[int, Memory]) -> dict[int, Memory]:
        return memories | ({api.WORKSPACE: self._workspace} if self._workspace else {})

    def _bind_forward(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        return self._forward.bind(self._with_workspace({api.SRC: Memory.of(x), api.DST: Memory.of(y)}))

    def _bind_backward(self, x: Tensor, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        memories = {api.SRC: x, api.DIFF_DST: dy, api.DIFF_SRC: dx}
        return self._backward.bind(self._with_workspace({k: Memory.of(t) for k, t in memories.items()}))
