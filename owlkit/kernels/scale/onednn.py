"""Scale and shift by oneDNN's batch normalisation with mean 0, variance 1 and eps 0.

It gives y, dx, dgamma and dbeta in one pass for each direction; elementwise primitives would need four.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from owlkit.core.device import Device
from owlkit.core.tensor import Descriptor, Tensor
from owlkit.kernels import Unsupported
from owlkit.kernels.axes import split
from owlkit.kernels.batchnorm import BatchNorm
from owlkit.kernels.batchnorm.onednn import BatchNormKernel

if TYPE_CHECKING:
    from owlkit.kernels.scale import Scale


def _as_channels(spec: Scale) -> Descriptor:
    """The same memory with the scaled axes as its axis 1."""
    x = spec.x
    if spec.num_axes == 1:
        return x if spec.axis == 1 else x.viewed(*split(x, spec.axis))
    if spec.num_axes == 0 or x.channels_last or spec.num_axes > 3:
        raise Unsupported("the scaled axes do not lie together in memory as one")
    end = spec.axis + spec.num_axes
    return x.viewed(
        *(math.prod(part) for part in (x.shape[: spec.axis], x.shape[spec.axis : end], x.shape[end:]))
    )


class ScaleKernel:
    def __init__(self, device: Device, spec: Scale) -> None:
        x = _as_channels(spec)
        norm = BatchNorm(x, eps=0.0, global_stats=True, scale=True, shift=spec.bias)
        self._norm = BatchNormKernel(device, norm)
        self._mean, self._variance = (Tensor(Descriptor((x.shape[1],), x.dtype)) for _ in range(2))
        self._variance.flat[...] = 1
        self.detail = self._norm.detail

    def forward(self, x: Tensor, y: Tensor, gamma: Tensor, beta: Tensor | None) -> None:
        self._norm.forward(x, y, self._mean, self._variance, gamma, beta)

    def backward(
        self, x: Tensor, gamma: Tensor, dy: Tensor, dx: Tensor, dgamma: Tensor, dbeta: Tensor | None
    ) -> None:
        self._norm.backward(x, self._mean, self._variance, gamma, dy, dx, dgamma, dbeta)
