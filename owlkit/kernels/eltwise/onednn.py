"""Sums, maxima, and products of two, by oneDNN; on memory order, as all tensors have one layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import (
    Attributes,
    Bound,
    Memory,
    MemoryDescriptor,
    Primitive,
    in_sequence,
)

if TYPE_CHECKING:
    from owlkit.kernels.eltwise import Eltwise


_MOST_FUSED = 8  # operands of one binary primitive with its post-operations; more are summed by "sum"


class EltwiseKernel:
    def __init__(self, device: Device, spec: Eltwise) -> None:
        self._md = MemoryDescriptor.strided((spec.x.count,), (1,), spec.x.dtype)
        self._device, self.spec = device, spec
        self._scales: dict[int, Memory] = {}
        self._forward = self._describe_forward()
        self.detail = self._forward.implementation
        self._run = Bound(self._bind_forward)
        coefficients = spec.coefficients if spec.operation == "sum" else ()
        self._scale = [self._scaling(coefficient) for coefficient in coefficients]
        if spec.operation == "max":
            self._selects = [Bound(self._selecting(index)) for index in range(len(spec.coefficients))]

    def _describe_forward(self) -> Primitive:
        spec, md = self.spec, self._md
        count, ones = len(spec.coefficients), set(spec.coefficients) == {1.0}
        fits = 2 <= count <= _MOST_FUSED
        if spec.operation == "sum" and fits and (ones or count == 2):
            return self._binary(api.BINARY_ADD, [] if ones else [api.SRC, api.SRC_1])
        if spec.operation == "max" and fits:
            return self._binary(api.BINARY_MAX)
        if spec.operation == "prod" and count == 2 and spec.stable:
            return self._binary(api.BINARY_MUL)
        if spec.operation == "sum" and not spec.relu:
            return Primitive(self._device, "sum", md, spec.coefficients, [md] * count)
        raise Unsupported(f"oneDNN has no {spec.operation} of {count} with these options")

    def _binary(self, algorithm: int, scaled: Sequence[int] = ()) -> Primitive:
        """The operation on the first two, then on the result and each of the others."""
        md, spec = self._md, self.spec
        post: list[tuple[Any, ...]] = [("binary", algorithm, md)] * (len(spec.coefficients) - 2)
        post += [("relu",)] * spec.relu
        for argument, coefficient in zip(scaled, spec.coefficients, strict=False):
            number = Tensor(Descriptor((1,)))
            number.flat[0] = coefficient
            self._scales[api.ATTR_SCALES | argument] = Memory.of(number)
        attributes = Attributes(post, scaled)
        return Primitive(self._device, "binary", algorithm, md, md, md, attributes=attributes)

    def _scaling(self, coefficient: float) -> Bound:
        """A call (dy, dx) that writes coefficient * dy."""
        md = self._md
        if coefficient == 1:
            primitive, source = Primitive(self._device, "reorder", md, md), api.SRC
        else:
            primitive, source = Primitive(self._device, "sum", md, [coefficient], [md]), api.MULTIPLE_SRC

        def bind(dy: Tensor, dx: Tensor) -> Callable[[], None]:
            return primitive.bind({source: Memory.of(dy, md), api.DST: Memory.of(dx, md)})

        return Bound(bind)

    def _selecting(self, index: int) -> Callable[..., Callable[[], None]]:
        """Makes calls (dy, dx, *xs) that write dy where x[index] is the maximum, otherwise 0.

        One comparison with each of the others, multiplied: bottom 0 must exceed bottom 1, and a later bottom
        all before it; otherwise a tie is enough (Caffe).
        """
        md = self._md
        times = Attributes([("binary", api.BINARY_MUL, md)])
        others = [j for j in range(len(self.spec.coefficients)) if j != index]
        strict = {j: (index == 0 and j == 1) or (index > j and (index, j) != (1, 0)) for j in others}
        kinds = [api.BINARY_GT if strict[j] else api.BINARY_GE for j in others]
        steps = [Primitive(self._device, "binary", kind, md, md, md, attributes=times) for kind in kinds]

        def bind(dy: Tensor, dx: Tensor, *xs: Tensor) -> Callable[[], None]:
            calls = []
            for number, (j, step) in enumerate(zip(others, steps, strict=True)):
                factor = dx if number else dy
                memories = {api.SRC: xs[index], api.SRC_1: xs[j], api.DST: dx, api.post_op_source(0): factor}
                calls.append(step.bind({k: Memory.of(t, md) for k, t in memories.items()}))
            return in_sequence(*calls)

        return bind

    def forward(self, xs: Sequence[Tensor], y: Tensor) -> None:
        self._run(y, *xs)

    def backward(self, xs: Sequence[Tensor], y: Tensor, dy: Tensor, dxs: Sequence[Tensor | None]) -> None:
        for index, dx in enumerate(dxs):
            if dx is None:
                continue
            if self.spec.operation == "sum":
                self._scale[index](dy, dx)
            elif self.spec.operation == "max":
                self._selects[index](dy, dx, *xs)
            else:
                self._run(dx, dy, xs[1 - index])

    def _bind_forward(self, y: Tensor, *xs: Tensor) -> Callable[[], None]:
        memories = [Memory.of(x, self._md) for x in xs]
        if self._forward.kind == "sum":
            named = {api.MULTIPLE_SRC + i: memory for i, memory in enumerate(memories)}
        else:
            later = {api.post_op_source(i): memory for i, memory in enumerate(memories[2:])}
            named = {api.SRC: memories[0], api.SRC_1: memories[1]} | later | self._scales
        return self._forward.bind(named | {api.DST: Memory.of(y, self._md)})
