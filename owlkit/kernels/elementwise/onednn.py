"""Elementwise functions by oneDNN, on memory order (the layout does not matter)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Bound, Memory, MemoryDescriptor, Primitive, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.elementwise import Elementwise


@dataclass(frozen=True)
class _Form:
    """f as oneDNN knows it. from_y : whether the gradient reads y, otherwise u."""

    forward: int
    backward: int
    alpha: float = 0.0
    beta: float = 0.0
    from_y: bool = False


_ROOT = _Form(api.SQRT, api.SQRT_FROM_DST, from_y=True)


def _form(spec: Elementwise) -> _Form:
    a = spec.alpha
    if spec.kind == "power" and a * spec.scale == 0:
        raise Unsupported("a power that is constant")
    if spec.kind == "power" and a not in (0.5, 1, 2):
        raise Unsupported("oneDNN raises to other powers one value at a time; NumPy is twice as fast")
    if spec.kind == "elu" and a < 0:
        raise Unsupported("oneDNN takes the sign of x from y, which needs alpha >= 0")
    forms = {
        "abs": _Form(api.ABS, api.ABS),
        "power": _ROOT if a == 0.5 else _Form(api.SQUARE, api.SQUARE),
        "exp": _Form(api.EXP, api.EXP_FROM_DST, from_y=True),
        "log": _Form(api.LOG, api.LOG),
        "bnll": _Form(api.SOFT_RELU, api.SOFT_RELU, 1.0),  # to within 1e-7 |x|
        "elu": _Form(api.ELU, api.ELU_FROM_DST, a, from_y=True),
        "swish": _Form(api.SWISH, api.SWISH, a),
    }
    if spec.kind not in forms:
        raise Unsupported(f"oneDNN's {spec.kind} has other gradients at the edges, or there is none")
    return forms[spec.kind]


class ElementwiseKernel:
    def __init__(self, device: Device, spec: Elementwise) -> None:
        self._device, self.spec = device, spec
        self._md = MemoryDescriptor.strided((spec.x.count,), (1,), spec.x.dtype)
        self._form = form = _form(spec)
        self._is_linear = spec.kind == "power" and spec.alpha == 1
        self._has_inner = not self._is_linear and (spec.scale, spec.shift) != (1, 0)
        self._u = Tensor(spec.x) if self._has_inner and not form.from_y else None
        if self._is_linear:
            self._main = self._linear(spec.scale, spec.shift)
            self._slope = self._linear(spec.scale)
        else:
            self._main = self._eltwise(form.forward, form.alpha, form.beta)
            self._slope = self._gradient(form)
        self._inner = self._linear(spec.scale, spec.shift) if self._has_inner else None
        self._outer = self._linear(spec.factor) if spec.factor != 1 else None
        factor = 1.0 if self._is_linear else spec.scale * spec.factor
        self._scaled = self._linear(factor) if factor != 1 else None
        self.detail = self._main.implementation
        self.forward, self.backward = Bound(self._bind_forward), Bound(self._bind_backward)

    def _eltwise(self, algorithm: int, alpha: float = 0.0, beta: float = 0.0) -> Primitive:
        md = self._md
        return Primitive(self._device, "eltwise_forward", api.TRAINING, algorithm, md, md, alpha, beta)

    def _linear(self, scale: float, shift: float = 0.0) -> Primitive:
        return self._eltwise(api.LINEAR, scale, shift)

    def _gradient(self, form: _Form) -> Primitive:
        md, (alpha, beta) = self._md, (form.alpha, form.beta)
        # The forward description is only a hint, but it must name the same algorithm.
        hint = self._eltwise(form.backward, alpha, beta)
        return Primitive(self._device, "eltwise_backward", form.backward, md, md, md, alpha, beta, hint)

    def _call(self, primitive: Primitive | None, x: Tensor, y: Tensor) -> list[Callable[[], None]]:
        """y = primitive(x), as a list of one call, or none."""
        if primitive is None:
            return []
        return [primitive.bind({api.SRC: Memory.of(x, self._md), api.DST: Memory.of(y, self._md)})]

    def _bind_forward(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        calls = self._call(self._inner, x, y)
        calls += self._call(self._main, y if calls else x, y)
        return in_sequence(*calls, *self._call(self._outer, y, y))

    def _bind_backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        if self._is_linear:
            return in_sequence(*self._call(self._slope, dy, dx))
        calls = self._call(self._inner, x, self._u) if self._u is not None else []
        read = {api.DST: y} if self._form.from_y else {api.SRC: self._u or x}
        memories = read | {api.DIFF_DST: dy, api.DIFF_SRC: dx}
        calls.append(self._slope.bind({k: Memory.of(t, self._md) for k, t in memories.items()}))
        return in_sequence(*calls, *self._call(self._scaled, dx, dx))
