"""Solver updates by oneDNN: one binary ADD with runtime scales, one SUB, in chunks that stay in cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Bound, Memory, MemoryDescriptor, Primitive, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.update import Momentum

# Elements; three chunks fit into two cores' second-level caches. 61 million parameters take 30 ms on a 2-core
# Xeon (Sapphire Rapids), against 34 ms in chunks of 512K and 39 ms in chunks of 32K.
CHUNK = 1 << 18


class MomentumKernel:
    def __init__(self, device: Device, spec: Momentum) -> None:
        self._device, self._spec = device, spec
        self._rate = Tensor(Descriptor((1,)))
        self._rate_decay = Tensor(Descriptor((1,)))
        whole, rest = divmod(spec.values.count, CHUNK)
        sizes = [CHUNK] * (whole > 0) + [rest] * (rest > 0)
        self._primitives = {size: self._pair(size) for size in sizes}
        self._run = Bound(self._bind)
        self.detail = next(iter(self._primitives.values()))[0].implementation

    def _pair(self, count: int) -> tuple[Primitive, Primitive]:
        md = MemoryDescriptor.strided((1, count), (count, 1), self._spec.values.dtype)
        scaled = Attributes([("sum", self._spec.momentum)], scales=(api.SRC, api.SRC_1))
        step = Primitive(self._device, "binary", api.BINARY_ADD, md, md, md, attributes=scaled)
        return step, Primitive(self._device, "binary", api.BINARY_SUB, md, md, md)

    def _bind(self, data: Tensor, diff: Tensor, history: Tensor) -> Callable[[], None]:
        calls = []
        scales = {
            api.ATTR_SCALES | api.SRC: Memory.of(self._rate),
            api.ATTR_SCALES | api.SRC_1: Memory.of(self._rate_decay),
        }
        for start in range(0, self._spec.values.count, CHUNK):
            count = min(CHUNK, self._spec.values.count - start)
            part = Descriptor((1, count), self._spec.values.dtype)
            w, g, v = (Memory.of(t.part(start, part)) for t in (data, diff, history))
            step, subtract = self._primitives[count]
            calls.append(step.bind({api.SRC: g, api.SRC_1: w, api.DST: v} | scales))
            calls.append(subtract.bind({api.SRC: w, api.SRC_1: v, api.DST: w}))
        return in_sequence(*calls)

    def __call__(self, data: Tensor, diff: Tensor, history: Tensor, rate: float, decay: float) -> None:
        self._rate.flat[0] = rate
        self._rate_decay.flat[0] = rate * decay
        self._run(data, diff, history)
