"""Scale and shift by oneDNN's batch normalisation with mean 0, variance 1 and eps 0.

It gives y, dx, dgamma and dbeta in one pass for each direction; elementwise primitives would need four.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.batchnorm import BatchNorm
from owlkit.kernels.batchnorm.onednn import BatchNormKernel
from owlkit.kernels.dnnl.primitive import Bound, in_sequence

if TYPE_CHECKING:
    from owlkit.kernels.scale import Scale


def _as_channels(spec: Scale) -> tuple[Descriptor, int]:
    """The same memory with the scaled axes as its axis 1; in as many parts as the number says."""
    x = spec.x
    if spec.num_axes == 1:
        return (x if spec.axis == 1 else x.viewed(*split(x, spec.axis))), 1
    if x.channels_last and (spec.axis, spec.num_axes) == (0, 2):
        # A factor for every channel of every image: image by image.
        return Descriptor((1, *x.shape[1:]), x.dtype, channels_last=True), x.shape[0]
    if spec.num_axes == 0 or x.channels_last or spec.num_axes > 3:
        raise Unsupported("the scaled axes do not lie together in memory as one")
    end = spec.axis + spec.num_axes
    lengths = (math.prod(part) for part in (x.shape[: spec.axis], x.shape[spec.axis : end], x.shape[end:]))
    return x.viewed(*lengths), 1


class ScaleKernel:
    def __init__(self, device: Device, spec: Scale) -> None:
        x, self._count = _as_channels(spec)
        norm = BatchNorm(x, eps=0.0, global_stats=True, scale=True, shift=spec.bias)
        self._norm = BatchNormKernel(device, norm)
        self._mean, self._variance = (Tensor(Descriptor((x.shape[1],), x.dtype)) for _ in range(2))
        self._variance.flat[...] = 1
        self.forward, self.backward = Bound(self._bind_forward), Bound(self._bind_backward)
        self.detail = self._norm.detail

    def _split(self, tensor: Tensor | None) -> list[Any]:
        """The tensor in its parts."""
        if tensor is None or self._count == 1:
            return [tensor] * self._count
        count = tensor.descriptor.count // self._count
        flat = Descriptor((count,), tensor.dtype)
        return [tensor.part(n * count, flat) for n in range(self._count)]

    def _bind_forward(self, x: Tensor, y: Tensor, gamma: Tensor, beta: Tensor | None) -> Callable[[], None]:
        calls = [
            self._norm.bind_forward(a, b, self._mean, self._variance, factor, shift)
            for a, b, factor, shift in zip(*map(self._split, (x, y, gamma, beta)), strict=True)
        ]
        return in_sequence(*calls)

    def _bind_backward(
        self, x: Tensor, gamma: Tensor, dy: Tensor, dx: Tensor, dgamma: Tensor, dbeta: Tensor | None
    ) -> Callable[[], None]:
        tensors = (x, gamma, dy, dx, dgamma, dbeta)
        calls = [
            self._norm.bind_backward(a, self._mean, self._variance, factor, g, to_x, to_gamma, to_beta)
            for a, factor, g, to_x, to_gamma, to_beta in zip(*map(self._split, tensors), strict=True)
        ]
        return in_sequence(*calls)
