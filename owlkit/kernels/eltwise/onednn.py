"""Sums, and products of two, by oneDNN; on memory order, as all tensors have one layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Bound, Memory, MemoryDescriptor, Primitive

if TYPE_CHECKING:
    from owlkit.kernels.eltwise import Eltwise


class EltwiseKernel:
    def __init__(self, device: Device, spec: Eltwise) -> None:
        self._md = MemoryDescriptor.strided((spec.x.count,), (1,), spec.x.dtype)
        self._device, self.spec = device, spec
        self._forward = self._describe_forward()
        self.detail = self._forward.implementation
        self._run = Bound(self._bind_forward)
        coefficients = spec.coefficients if spec.operation == "sum" else ()
        self._scale = [self._scaling(coefficient) for coefficient in coefficients]

    def _describe_forward(self) -> Primitive:
        spec, md = self.spec, self._md
        count = len(spec.coefficients)
        plain_sum = spec.operation == "sum" and set(spec.coefficients) == {1.0}
        if count == 2 and (plain_sum or (spec.operation == "prod" and spec.stable)):
            algorithm = api.BINARY_ADD if plain_sum else api.BINARY_MUL
            attributes = Attributes(post=[("relu", 0.0)]) if spec.relu else None
            return Primitive(self._device, "binary", algorithm, md, md, md, attributes=attributes)
        if spec.operation == "sum" and not spec.relu:
            return Primitive(self._device, "sum", md, spec.coefficients, [md] * count)
        raise Unsupported(f"oneDNN has no {spec.operation} of {count} with these options")

    def _scaling(self, coefficient: float) -> Bound:
        """A call (dy, dx) that writes coefficient * dy."""
        if coefficient == 1:
            primitive, source = Primitive(self._device, "reorder", self._md, self._md), api.SRC
        else:
            primitive = Primitive(self._device, "sum", self._md, [coefficient], [self._md])
            source = api.MULTIPLE_SRC

        def bind(dy: Tensor, dx: Tensor) -> Callable[[], None]:
            return primitive.bind({source: Memory.of(dy, self._md), api.DST: Memory.of(dx, self._md)})

        return Bound(bind)

    def forward(self, xs: Sequence[Tensor], y: Tensor) -> None:
        self._run(y, *xs)

    def backward(self, xs: Sequence[Tensor], y: Tensor, dy: Tensor, dxs: Sequence[Tensor | None]) -> None:
        for index, dx in enumerate(dxs):
            if dx is None:
                continue
            if self.spec.operation == "sum":
                self._scale[index](dy, dx)
            else:
                self._run(dx, dy, xs[1 - index])

    def _bind_forward(self, y: Tensor, *xs: Tensor) -> Callable[[], None]:
        names = (api.SRC, api.SRC_1) if self._forward.kind == "binary" else range(api.MULTIPLE_SRC, 2048)
        memories = {name: Memory.of(x, self._md) for name, x in zip(names, xs, strict=False)}
        return self._forward.bind(memories | {api.DST: Memory.of(y, self._md)})
