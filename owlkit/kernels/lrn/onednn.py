"""Local response normalisation by oneDNN: across channels by its own primitive.

Within a channel that one is slow; a mean pooling and elementwise operations do it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.dnnl import api
from owlkit.kernels.dnnl.primitive import Attributes, Bound, Memory, MemoryDescriptor, Primitive, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.lrn import LRN


class _AcrossKernel:
    def __init__(self, device: Device, spec: LRN) -> None:
        if spec.size < 3:
            raise Unsupported("oneDNN crashes where a window is one channel wide")
        channels = spec.x.shape[1]
        if spec.size > 5 and channels > 16 and channels % 16:
            # Found by comparison with the reference, in version 3.2: all other sizes agree with it.
            raise Unsupported("oneDNN's gradient is wrong for windows over 5 and channels not in sixteens")
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


class _WithinKernel:
    """s = k + alpha * mean of x^2 over the window, zeros outside included; s^-beta = exp(-beta ln s)."""

    def __init__(self, device: Device, spec: LRN) -> None:
        self._device = device
        md = self._md = MemoryDescriptor.of(spec.x)
        pad = spec.size // 2
        window = [api.dims((n, n)) for n in (1, spec.size, 0, pad, pad)]
        mean = api.POOL_AVE_INCLUDE_PADDING
        self._mean = Primitive(device, "pooling_forward", api.INFERENCE, mean, md, md, *window)
        self._square, self._log, self._exp = (self._eltwise(a) for a in (api.SQUARE, api.LOG, api.EXP))
        self._shift = self._eltwise(api.LINEAR, spec.alpha, spec.k)
        self._exponent = self._eltwise(api.LINEAR, -spec.beta)
        self._multiply, self._divide = self._binary(api.BINARY_MUL), self._binary(api.BINARY_DIV)
        self._scaled = self._binary(api.BINARY_MUL, Attributes(scales=(api.SRC,)))
        self._less = self._binary(api.BINARY_MUL, Attributes([("binary", api.BINARY_SUB, md)]))
        self._rate = Tensor(Descriptor((1,)))
        self._rate.flat[0] = 2 * spec.alpha * spec.beta
        self._s, self._factor, self._spare, self._box = (Tensor(spec.x) for _ in range(4))
        self.detail = f"pooling {self._mean.implementation}"
        self.forward, self.backward = Bound(self._bind_forward), Bound(self._bind_backward)

    def _eltwise(self, algorithm: int, alpha: float = 0.0, beta: float = 0.0) -> Primitive:
        md = self._md
        return Primitive(self._device, "eltwise_forward", api.TRAINING, algorithm, md, md, alpha, beta)

    def _binary(self, algorithm: int, attributes: Attributes | None = None) -> Primitive:
        return Primitive(
            self._device, "binary", algorithm, self._md, self._md, self._md, attributes=attributes
        )

    def _call(self, primitive: Primitive, y: Tensor, *xs: Tensor, **extra: Any) -> Callable[[], None]:
        memories = {key: Memory.of(x) for key, x in zip((api.SRC, api.SRC_1), xs, strict=False)}
        return primitive.bind(memories | {api.DST: Memory.of(y)} | extra.get("more", {}))

    def _bind_forward(self, x: Tensor, y: Tensor) -> Callable[[], None]:
        s, factor = self._s, self._factor
        return in_sequence(
            self._call(self._square, self._spare, x),
            self._call(self._mean, s, self._spare),
            self._call(self._shift, s, s),
            self._call(self._log, factor, s),
            self._call(self._exponent, factor, factor),
            self._call(self._exp, factor, factor),
            self._call(self._multiply, y, x, factor),
        )

    def _bind_backward(self, x: Tensor, y: Tensor, dy: Tensor, dx: Tensor) -> Callable[[], None]:
        """dx = dy * factor - 2 alpha beta * x * mean of (dy * y / s)."""
        spare, box = self._spare, self._box
        rate = {api.ATTR_SCALES | api.SRC: Memory.of(self._rate)}
        return in_sequence(
            self._call(self._multiply, spare, dy, y),
            self._call(self._divide, spare, spare, self._s),
            self._call(self._mean, box, spare),
            self._call(self._scaled, spare, box, x, more=rate),
            self._call(self._less, dx, dy, self._factor, more={api.post_op_source(0): Memory.of(spare)}),
        )


class LRNKernel:
    """Either of the two."""

    def __init__(self, device: Device, spec: LRN) -> None:
        self._kernel = _WithinKernel(device, spec) if spec.within else _AcrossKernel(device, spec)
        self.detail = self._kernel.detail
        self.forward, self.backward = self._kernel.forward, self._kernel.backward
